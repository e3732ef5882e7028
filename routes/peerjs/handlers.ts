import type { Static } from '@sinclair/typebox'
import type { Config } from '../../src/config/schema.js'
import type { Connection } from '../../src/dialect/connection.js'
import type { Handlers } from '../../src/dialect/dialect.js'
import { andThen, type MaybePromise } from '../../src/timing/maybe-promise.js'
import type { Member, State } from '../../src/state/contract.js'
import type { Received } from '../../src/frame/parse.js'
import { passedOn, type PlainForm } from '../../src/frame/pass-on.js'
import type { Frame } from '../../src/frame/bytes.js'
import { type frames, encode, errorMessages } from './schema.js'

export interface PeerjsClient {
  readonly connection: Connection
  /** Undefined once the client has said LEAVE to nobody in particular. */
  member: Member | undefined
  /** Who pays for the mail it leaves. */
  readonly origin: string
  /** What its signals end with when they are passed on. */
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

export function peerjsHandlers ({ peers, relay }: State, config: Config): Handlers<typeof frames, PeerjsClient> {
  /** Waits for a receiver that is not there yet. */
  function signal ({ connection, member, origin, stamp }: PeerjsClient, signal: Signal, received: Received): MaybePromise<void> {
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
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

  /** Best effort: to nobody it is nothing. */
  function notify ({ connection, member }: PeerjsClient, { type, dst, payload }: Notice): MaybePromise<void> {
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
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

    LEAVE (peer, { type, dst, payload }) {
      if (dst !== undefined && dst !== null && dst !== '') return notify(peer, { type, dst, payload })
      const { member } = peer
      if (member === undefined) return
      peer.member = undefined
      return andThen(peers.leave(member), () => {})
    }
  }
}
