import type { Static } from '@sinclair/typebox'
import {
  andThen, type BridgeEntrance, type Config, type Connection, type Frame, type Handlers, type MaybePromise, type Member, passedOn,
  type PlainForm, type Received, type State
} from '../../src/kit.js'
import { type frames, encode, errorMessages } from './schema.js'

export interface PeerjsClient {
  readonly connection: Connection
  /** Undefined after a LEAVE without `dst`. */
  member: Member | undefined
  /** Whose share of the mailboxes its kept signals count in. */
  readonly origin: string
  /** The end of its signals when they are passed on: its id as `src`. */
  readonly stamp: string
}

type Signal = Static<typeof frames.OFFER | typeof frames.ANSWER | typeof frames.CANDIDATE>
type Notice = Static<typeof frames.EXPIRE> | (Static<typeof frames.LEAVE> & { dst: string })

/** How PeerJS clients write a signal. */
const plainForm: PlainForm = { first: ['type'], next: 'payload', last: 'dst', members: 3 }

/** The signal as its receiver gets it, with its sender. */
function forwarded (frame: Signal, received: Received, { id }: Member, stamp: string): Frame {
  return passedOn(received, frame, plainForm, stamp) ?? composed(frame, id)
}

/** The slow path to the same frame. */
function composed ({ type, dst, payload }: Signal, src: string): Frame {
  return encode({ type, src, dst, payload })
}

export function peerjsHandlers (
  { peers, relay }: State,
  config: Config,
  bridge: BridgeEntrance | undefined
): Handlers<typeof frames, PeerjsClient> {
  /** To a peer of this dialect, or to one of another. */
  function signal (client: PeerjsClient, signal: Signal, received: Received): MaybePromise<unknown> {
    const { connection, member } = client
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
    const passed = bridge?.send(connection, member, signal.dst, signal) ?? false
    return passed === false ? deliver(client, member, signal, received) : passed
  }

  /** Sends a signal, or keeps it for a receiver that is not connected yet. */
  function deliver ({ connection, origin, stamp }: PeerjsClient, member: Member, signal: Signal, received: Received): MaybePromise<void> {
    const { room, id: src } = member
    const { dst } = signal
    const expired = () => encode({ type: 'EXPIRE', src: dst, dst: src })
    const frame = forwarded(signal, received, member, stamp)
    const sent = relay.sendOrKeep({ room, from: src, to: dst, frame, keepMs: config.PEERJS_EXPIRE_TIMEOUT, expired, origin })
    return andThen(sent, (sent) => {
      if (sent === 'full') {
        connection.drop('mailbox_full')
        connection.deliver(expired())
      } else if (sent === 'failed') {
        connection.deliver(encode({ type: 'LEAVE', src: dst, dst: src }))
      }
    })
  }

  /** Best effort: a notice to an absent peer is dropped. */
  function notify ({ connection, member }: PeerjsClient, notice: Notice): MaybePromise<unknown> {
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
    const { type, dst, payload } = notice
    const passed = type === 'LEAVE' ? bridge?.send(connection, member, dst, notice) ?? false : false
    if (passed !== false) return passed
    const { room, id: src } = member
    return andThen(relay.send(room, dst, encode({ type, src, dst, payload }), src), (sent) => {
      if (sent === 'failed') connection.deliver(encode({ type: 'LEAVE', src: dst, dst: src }))
    })
  }

  return {
    HEARTBEAT () {},
    OFFER: signal,
    ANSWER: signal,
    CANDIDATE: signal,
    EXPIRE: notify,

    LEAVE (client, { type, dst, payload }) {
      if (dst !== undefined && dst !== null && dst !== '') return notify(client, { type, dst, payload })
      const { member } = client
      if (member === undefined) return
      client.member = undefined
      return andThen(peers.leave(member), () => {})
    }
  }
}
