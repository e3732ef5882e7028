import type { Static } from '@sinclair/typebox'
import {
  andThen, type Connection, Frame, type Handlers, type MaybePromise, type Member, memberPassedOn, passedOn, type PlainForm,
  type Received, type State
} from '../../src/kit.js'
import { type Form, roomPrefixOf } from './room.js'
import { type frames, type Publish, errorMessages, pong } from './schema.js'

type Topics = Static<typeof frames.subscribe | typeof frames.unsubscribe>

export interface TopicsClient {
  readonly connection: Connection
  /** Its id in every room. */
  readonly id: string
  /** That of its first subscription. */
  form: Form | undefined
  /** By topic. */
  readonly members: Map<string, Member>
}

/** How y-webrtc and Trystero write a publish. */
const publishForm: PlainForm = { first: ['type', 'topic'] }
const payloadForm: PlainForm = { first: ['type', 'topic'], next: 'payload', members: 3 }

export function topicsHandlers ({ peers, relay }: State): Handlers<typeof frames, TopicsClient> {
  function broadcast (form: Form, { connection, id }: TopicsClient, topic: string, frame: Frame): MaybePromise<void> {
    const sent = relay.broadcast(roomPrefixOf(form) + topic, frame, undefined, { from: id, isSignal: true })
    return andThen(sent, (receivers) => connection.charge(frame.byteLength, receivers))
  }

  return {
    /** Takes what fits: a page with many documents subscribes to all of them at once, and again after every reconnect. */
    subscribe (client, frame) {
      const { connection, id, members } = client
      client.form ??= frame.topics === undefined ? 'ws-relay' : 'y-webrtc'
      const wanted = new Set(topicsOf(frame).filter((topic) => !members.has(topic)))
      const allowed = [...wanted].filter((topic) => connection.may.enterRoom(topic))
      if (allowed.length < wanted.size) connection.deny(`${wanted.size - allowed.length} left out`)
      const prefix = roomPrefixOf(client.form)
      const undeliverable = () => connection.refuse(errorMessages.slow)
      return inTurn(allowed, (topic, at) => {
        const joined = peers.join({ room: prefix + topic, id, sink: connection, replace: false, undeliverable })
        return andThen(joined, ({ outcome, member }) => {
          if (member !== undefined) members.set(topic, member)
          if (outcome === 'limited') connection.refuse(errorMessages.tooMany, `${allowed.length - at} left out`)
          return member !== undefined
        })
      })
    },

    unsubscribe ({ members }, frame) {
      return inTurn(topicsOf(frame), (topic) => {
        const member = members.get(topic)
        members.delete(topic)
        return member === undefined || andThen(peers.leave(member), () => true)
      })
    },

    publish (client, frame, received) {
      const { connection } = client
      const { topic } = frame
      if (!connection.may.enterRoom(topic)) return connection.deny()
      const [ofYjs, ofTrystero] = [peers.count(roomPrefixOf('y-webrtc') + topic), peers.count(roomPrefixOf('ws-relay') + topic)]
      return andThen(ofYjs, (ofYjs) => andThen(ofTrystero, (ofTrystero) => {
        const whole = ofYjs === 0 ? undefined : broadcast('y-webrtc', client, topic, counted(frame, received, ofYjs + ofTrystero))
        // Without a payload it says nothing to clients of ws-relay.
        if (ofTrystero === 0 || !Object.hasOwn(frame, 'payload')) return whole
        const alone = broadcast('ws-relay', client, topic, payloadAlone(frame, received))
        return andThen(whole, () => alone)
      }))
    },

    ping: ({ connection }) => connection.deliver(pong)
  }
}

/** Calls `next` for one after the other, for as long as it answers true. */
function inTurn<T> (items: readonly T[], next: (item: T, at: number) => MaybePromise<boolean>, from = 0): MaybePromise<void> {
  for (let at = from; at < items.length; at++) {
    const goesOn = next(items[at] as T, at)
    if (goesOn instanceof Promise) return goesOn.then((goesOn) => goesOn ? inTurn(items, next, at + 1) : undefined)
    if (!goesOn) return
  }
}

function topicsOf ({ topics = [], topic }: Topics): readonly string[] {
  return topic === undefined ? topics : [...topics, topic]
}

/** All that the frame holds, with the number of subscribers. */
function counted (frame: Publish, received: Received, clients: number): Frame {
  const passed = Object.hasOwn(frame, 'clients') ? undefined : passedOn(received, frame, publishForm, `,"clients":${clients}}`)
  return passed ?? new Frame('publish', JSON.stringify({ ...frame, clients }))
}

function payloadAlone (frame: Publish & { payload?: unknown }, received: Received): Frame {
  const { topic, payload } = frame
  const head = `{"topic":${JSON.stringify(topic)},"payload":`
  return passedOn(received, frame, payloadForm, '}', head) ??
    memberPassedOn(received, frame, 'payload', head, '}') ??
    new Frame('publish', JSON.stringify({ topic, payload }))
}
