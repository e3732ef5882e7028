import type { Static } from '@sinclair/typebox'
import {
  andThen, Frame, type Handlers, type MaybePromise, type Member, passedOn, type Peer, type PlainForm, type Received, type State, valuesOf
} from '../../src/kit.js'
import type { Place, TrackerClient } from './client.js'
import { errorMessages, type frames } from './schema.js'
import { nameOf, roomOf, seedersOf } from './swarm.js'

type Announce = Static<typeof frames.announce>
type Answer = Static<typeof frames.answer>

/** Time between two scrapes of a client, in s, and between two announces on average. */
const interval = 120
/** Announces are spread over so many s: two clients that announce at once may call each other at once, and both give up. */
const spread = 24
/** In the frame, its list of offers, and one of these. */
const depthOfOffer = 3
/** Offers of one announce that are passed on. */
const maxOffers = 10

const events: readonly unknown[] = ['started', 'completed', 'stopped', 'update', 'paused', 'empty', '', null, undefined]

interface Counts {
  readonly complete: number
  readonly incomplete: number
}

export function trackerHandlers ({ peers, relay }: State): Handlers<typeof frames, TrackerClient> {
  function count (room: string, seeders: string): MaybePromise<Counts> {
    const [all, complete] = [peers.count(room), peers.count(seeders)]
    return andThen(all, (all) => andThen(complete, (complete) => ({ complete, incomplete: Math.max(0, all - complete) })))
  }

  /** The place of the peer id, which it gets with its first announce in the swarm. Undefined once that was refused. */
  function enter (client: TrackerClient, frame: Announce, swarm: string): MaybePromise<Place | undefined> {
    const { connection } = client
    const { info_hash: hash, peer_id: peerId } = frame
    const known = client.place(hash, peerId)
    if (known !== undefined) return known
    const joined = peers.join({
      room: roomOf(swarm),
      id: nameOf(peerId),
      sink: connection,
      // Else anybody could take another peer's offers: ids are public, and come without a proof.
      replace: false,
      undeliverable: () => connection.refuse(errorMessages.absent, hash)
    })
    return andThen(joined, ({ outcome, member }) => {
      if (member === undefined) {
        connection.refuse(outcome === 'limited' ? errorMessages.limited : errorMessages.taken, hash)
        return undefined
      }
      const json = JSON.stringify(hash)
      const stamp = `,"peer_id":${JSON.stringify(peerId)},"info_hash":${json}}`
      const place: Place = { member, seeder: undefined, swarm, seeders: seedersOf(swarm), hash: json, stamp }
      client.add(hash, peerId, place)
      return place
    })
  }

  /** Counts the peer with those that have everything, or no longer. One that has no room for that is counted with the others. */
  function seed (place: Place, seeds: boolean): MaybePromise<unknown> {
    const { seeders, seeder, member: { id, sink } } = place
    if (seeds === (seeder !== undefined)) return
    if (seeder !== undefined) {
      place.seeder = undefined
      return peers.leave(seeder)
    }
    return andThen(peers.join({ room: seeders, id, sink, replace: false }), ({ member }) => { place.seeder = member })
  }

  function leave (client: TrackerClient, { info_hash: hash, peer_id: peerId }: Announce): MaybePromise<unknown> {
    const place = client.place(hash, peerId)
    if (place === undefined) return
    client.remove(hash, peerId)
    // Last the place itself: while it is held, nobody else seeds under its id.
    return andThen(seed(place, false), () => peers.leave(place.member))
  }

  /** Each offer goes to another peer. Those for which there is none are dropped: clients make new ones for the next announce. */
  function passOffers ({ connection }: TrackerClient, place: Place, frame: Announce, { bytes }: Received): MaybePromise<unknown> {
    const { member: { room, id: from }, stamp } = place
    const { info_hash: hash, offers } = frame
    if (offers === undefined || offers === null || offers.length === 0) return
    return andThen(peers.sample(room, Math.min(offers.length, maxOffers), from), (drawn) => {
      if (drawn.length === 0) return
      connection.charge(bytes.length / drawn.length, drawn.length)
      const frames = offersIn(offers, bytes, stamp)
      return allOf(drawn.map(({ id }: Peer, at) => relay.send(room, id, frames(at), from)), (outcomes) => {
        if (outcomes.some((outcome) => outcome !== 'sent')) connection.refuse(errorMessages.absent, hash)
      })
    })
  }

  function answerCounts ({ connection }: TrackerClient, counting: MaybePromise<Counts>, hash: string): MaybePromise<unknown> {
    return andThen(counting, ({ complete, incomplete }) => {
      const counts = `"complete":${complete},"incomplete":${incomplete}`
      const again = interval - spread / 2 + Math.floor(Math.random() * (spread + 1))
      connection.deliver(new Frame('announce', `{${counts},"action":"announce","info_hash":${hash},"interval":${again}}`))
    })
  }

  return {
    announce (client, frame, received) {
      const { connection } = client
      const { info_hash: hash, peer_id: peerId, event, left } = frame
      if (!events.includes(event)) return connection.refuse(errorMessages.badEvent, hash)
      const swarm = client.place(hash, peerId)?.swarm ?? nameOf(hash)
      if (!connection.may.enterRoom(swarm)) return connection.deny(hash)
      if (event === 'stopped') {
        const counting = () => count(roomOf(swarm), seedersOf(swarm))
        return andThen(leave(client, frame), () => answerCounts(client, counting(), JSON.stringify(hash)))
      }
      return andThen(enter(client, frame, swarm), (place) => {
        if (place === undefined) return
        const answered = andThen(seed(place, isComplete(place, event, left)), () =>
          answerCounts(client, count(place.member.room, place.seeders), place.hash))
        return andThen(answered, () => passOffers(client, place, frame, received))
      })
    },

    answer (client, frame, received) {
      const { connection } = client
      const { info_hash: hash, peer_id: peerId, to_peer_id: to } = frame
      const place = client.place(hash, peerId)
      if (place === undefined) return connection.refuse(errorMessages.notAnnounced, hash)
      if (!connection.may.enterRoom(place.swarm)) return connection.deny(hash)
      const { room, id }: Member = place.member
      return andThen(relay.send(room, nameOf(to), forwarded(frame, received), id), (sent) => {
        if (sent !== 'sent') connection.refuse(errorMessages.absent, hash)
      })
    },

    scrape ({ connection }, { info_hash: hashes }) {
      const asked = [...new Set([hashes].flat())]
      const denied = asked.find((hash) => !connection.may.enterRoom(nameOf(hash)))
      if (denied !== undefined) return connection.deny(denied)
      return allOf(asked.map(nameOf).map((swarm) => count(roomOf(swarm), seedersOf(swarm))), (counts) => {
        // As the original has it: at least those that have everything have got it.
        const files = counts.map((count, at) => [asked[at], { ...count, downloaded: count.complete }])
        const flags = { min_request_interval: interval }
        const frame = new Frame('scrape', JSON.stringify({ action: 'scrape', files: Object.fromEntries(files), flags }))
        connection.charge(frame.byteLength)
        connection.deliver(frame)
      })
    }
  }
}

/** Whether the peer has everything. A client without metadata does not know what is left: that is no number. */
function isComplete ({ seeder }: Place, event: unknown, left: unknown): boolean {
  if (event === 'completed' || left === 0) return true
  return typeof left === 'number' ? false : seeder !== undefined
}

const offerHead = '{"action":"announce","offer":'

/** Makes the frame of each offer: of the bytes that came, where they show where it is. Nobody here reads what is in it. */
function offersIn (offers: NonNullable<Announce['offers']>, bytes: Buffer, stamp: string): (at: number) => Frame {
  const spans = valuesOf(bytes, 'offer', depthOfOffer)
  return (at) => {
    const { offer, offer_id: offerId } = offers[at] as typeof offers[number]
    const tail = `,"offer_id":${JSON.stringify(offerId)}${stamp}`
    const span = spans.length === offers.length ? spans[at] : undefined
    return span === undefined
      ? new Frame('offer', offerHead + JSON.stringify(offer) + tail)
      : Frame.around('offer', offerHead, bytes, ...span, tail)
  }
}

/** How clients write an answer. */
const plainForm: PlainForm = { type: 'answer', first: ['action', 'info_hash', 'peer_id', 'to_peer_id'], next: 'answer', members: 6 }

/** The answer as its receiver gets it. It makes nothing of `to_peer_id`. */
function forwarded (frame: Answer, received: Received): Frame {
  return passedOn(received, frame, plainForm) ?? composed(frame)
}

/** The slow path to the same frame. */
function composed ({ action, info_hash: hash, peer_id: peerId, to_peer_id: to, answer, offer_id: offerId }: Answer): Frame {
  const frame = { action, info_hash: hash, peer_id: peerId, to_peer_id: to, answer, offer_id: offerId }
  return new Frame('answer', JSON.stringify(frame))
}

/** Goes on with all values, at once if each is there. */
function allOf<T, R> (values: ReadonlyArray<MaybePromise<T>>, next: (values: T[]) => MaybePromise<R>): MaybePromise<R> {
  if (values.some((value) => value instanceof Promise)) return Promise.all(values).then(next)
  return next(values as T[])
}
