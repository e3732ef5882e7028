import type { Static } from '@sinclair/typebox'
import {
  andThen, type Config, Frame, type Handlers, type MaybePromise, type MemberList, passedOn, type Peer, type PeerInfo,
  type PlainForm, type Received, register, type RegisteringClient, type State, Cohorts
} from '../../src/kit.js'
import { presence } from './presence.js'
import { room } from './room.js'
import { type frames, encode, errorMessages } from './schema.js'

type Registration = Static<typeof frames.register>
type Signal = Static<typeof frames.signal>

export function tomHandlers (state: State, config: Config, list: MemberList): Handlers<typeof frames, RegisteringClient> {
  const { relay } = state
  const cohorts = new Cohorts()

  function join (client: RegisteringClient, { nodeId, username, publicKey, encryptionKey }: Registration): MaybePromise<void> {
    const info: PeerInfo = { username, publicKey: publicKey ?? '', ...(typeof encryptionKey === 'string' && { encryptionKey }) }
    const earlier = client.member
    const undeliverable = () => client.connection.refuse(errorMessages.absent)
    // What has waited for a node that comes back follows its welcome.
    const welcome = config.RESUME_GRACE_MS === 0
      ? undefined
      : (others: readonly Peer[]) => list.welcome({ id: nodeId, info }, others)
    const registered = register(state, config, client, { room, id: nodeId, info, welcome, taken: errorMessages.taken, undeliverable })
    return andThen(registered, () => {
      const { connection, member } = client
      if (member === undefined || member === earlier) return
      if (welcome === undefined) list.sendTo(connection)
      else connection.charge(list.bytes / list.size)
      connection.charge(presence('join', member).byteLength, list.size)
      if (earlier === undefined) return
      // A client that connects again instead is bounded by CONNECT_RATE.
      connection.charge(list.bytes)
      if (earlier.id !== nodeId) connection.charge(presence('leave', earlier).byteLength, list.size)
    })
  }

  return {
    register: (client, frame) => andThen(cohorts.enter(), () => join(client, frame)),

    heartbeat ({ connection, member }) {
      if (member === undefined) return
      const frame = encode({ type: 'heartbeat', from: member.id })
      return andThen(relay.broadcast(room, frame, member.id), (count) => connection.charge(frame.byteLength, count))
    },

    'role-assign' ({ connection, member }, { nodeId, roles }) {
      if (member === undefined) return connection.refuse(errorMessages.notRegistered)
      if (nodeId !== member.id && !connection.may.hasRole('assign')) return connection.deny()
      const frame = encode({ type: 'role-assign', nodeId, roles, from: member.id })
      const sent = relay.broadcast(room, frame, undefined, { from: member.id, isSignal: true })
      return andThen(sent, (count) => connection.charge(frame.byteLength, count))
    },

    signal ({ connection, member }, frame, received) {
      const { from, to } = frame
      if (config.STRICT_IDENTITY) {
        if (member === undefined) return connection.refuse(errorMessages.notRegistered)
        if (from !== member.id) return connection.refuse(errorMessages.forged)
      }
      return andThen(relay.send(room, to, forwarded(frame, received), member?.id), (sent) => {
        if (sent !== 'sent') connection.refuse(errorMessages.absent)
      })
    }
  }
}

/** How clients write a signal. */
const plainForm: PlainForm = { first: ['type', 'from', 'to'] }

/** The known names of a signal's members. */
const signalNames: readonly string[] = ['type', 'from', 'to', 'payload']

/** The signal as its receiver gets it. It keeps unknown names, except those that differ from a known one only in case. */
function forwarded (frame: Signal, received: Received): Frame {
  if (Object.keys(frame).some(isVariant)) return composed(frame)
  return passedOn(received, frame, plainForm) ?? composed(frame)
}

/** The slow path to the same frame. */
function composed (frame: Signal): Frame {
  return new Frame(frame.type, JSON.stringify(Object.fromEntries(Object.entries(frame).filter(([name]) => !isVariant(name)))))
}

function isVariant (name: string): boolean {
  return !signalNames.includes(name) && signalNames.includes(name.toLowerCase())
}
