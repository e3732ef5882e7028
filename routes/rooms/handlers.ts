import { originOf } from '../../src/net/address.js'
import type { Config } from '../../src/config/schema.js'
import type { Connection } from '../../src/dialect/connection.js'
import type { Handlers } from '../../src/dialect/dialect.js'
import { after, type MaybePromise } from '../../src/timing/maybe-promise.js'
import type { Joined, Member, State } from '../../src/state/contract.js'
import { Rate, Throttle } from '../../src/limits/token-bucket.js'
import type { JsonObject, Received } from '../../src/frame/parse.js'
import { restOf, stamped } from '../../src/frame/pass-on.js'
import type { Frame } from '../../src/frame/bytes.js'
import type { GuessThrottle } from './guesses.js'
import { type frames, say, sentences } from './schema.js'

export const roomPrefix = 'rooms/'

export interface RoomsPeer {
  readonly connection: Connection
  /** The same in every room, for the life of the socket. */
  readonly myId: string
  /** What its signals end with when they are passed on. */
  readonly stamp: string
  member: Member | undefined
  /** Holds back who creates room after room. */
  creations?: Throttle
}

/** Rooms that a socket may open in the time that an empty room stays: four digits are few. */
const maxRoomsLeft = 16

function refuseMore (connection: Connection): void {
  connection.noteRefusal('too_many_attempts')
  connection.refuse(sentences.tooManyAttempts)
}

export function roomsHandlers ({ peers, rooms, relay }: State, config: Config, guesses: GuessThrottle): Handlers<typeof frames, RoomsPeer> {
  const creationRate = new Rate(maxRoomsLeft * 1000 / config.ROOM_EMPTY_TTL_MS, maxRoomsLeft)

  function enter (peer: RoomsPeer, roomId: string, type: 'room_created' | 'room_joined'): MaybePromise<Joined['outcome']> {
    const { connection, myId } = peer
    const joined = peers.join({
      room: roomPrefix + roomId,
      id: myId,
      sink: connection,
      replace: false,
      opened: true,
      maxMembers: config.ROOM_MAX_CLIENTS,
      leaving: peer.member,
      welcome: () => say({ type, roomId, myId }),
      undeliverable: () => connection.refuse(sentences.slow)
    })
    return after(joined, (joined) => {
      if (joined.outcome !== 'joined') return joined.outcome
      const isFirst = peer.member === undefined
      peer.member = joined.member
      return isFirst ? after(guesses.entered(connection.address), () => joined.outcome) : joined.outcome
    })
  }

  function join (peer: RoomsPeer, roomId: string | undefined): MaybePromise<void> {
    const { connection } = peer
    const entered = guesses.attempt(connection.address, () => roomId === undefined ? 'missing' : enter(peer, roomId, 'room_joined'))
    return after(entered, (outcome) => {
      if (outcome === 'barred') refuseMore(connection)
      else if (outcome === 'missing') connection.refuse(sentences.absent)
      else if (outcome !== 'joined') connection.refuse(sentences.full)
    })
  }

  return {
    create (peer) {
      if (!peer.connection.may.createRoom()) return peer.connection.deny()
      peer.creations ??= new Throttle(creationRate)
      if (!peer.creations.take(performance.now())) return refuseMore(peer.connection)
      const opened = rooms.open({ prefix: roomPrefix, digits: config.ROOM_ID_DIGITS, idleMs: config.ROOM_TIMEOUT_MS, emptyMs: config.ROOM_EMPTY_TTL_MS, by: originOf(peer.connection) })
      return after(opened, (roomId) => {
        if (roomId === undefined) {
          peer.creations?.giveBack()
          return peer.connection.refuse(sentences.noRoomFree)
        }
        // It is gone again when Redis went away meanwhile.
        return after(enter(peer, roomId, 'room_created'), (outcome) => { if (outcome !== 'joined') peer.connection.refuse(sentences.noRoomFree) })
      })
    },

    join (peer, frame) {
      // Some clients send the digits as a number.
      const roomId = typeof frame.roomId === 'string' || Number.isSafeInteger(frame.roomId) ? String(frame.roomId) : undefined
      if (roomId !== undefined && !peer.connection.may.enterRoom(roomId)) return peer.connection.deny()
      return join(peer, roomId)
    },

    signal ({ connection, myId, stamp, member }, frame, received) {
      if (member === undefined) return connection.refuse(sentences.notInRoom)
      const signal = forwarded(frame, received, stamp) ?? say({ type: 'signal', senderId: myId, payload: frame.payload })
      return after(relay.broadcast(member.room, signal, myId, { isSignal: true }), (count) => connection.charge(signal.byteLength, count))
    }
  }
}

/** The bytes that came, with the sender behind them, if they are exactly what clients send. */
function forwarded (frame: JsonObject, received: Received, stamp: string): Frame | undefined {
  if (Object.keys(frame).length !== 2 || restOf(received, frame, ['type', 'signal', 'payload']) === -1) return undefined
  return stamped('signal', received.bytes, stamp)
}
