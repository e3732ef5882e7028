import type { Static } from '@sinclair/typebox'
import {
  andThen, type Connection, type DialectContext, type Frame, type Handlers, type JoinOutcome, type MaybePromise,
  type Member, memberPassedOn, originOf, passedOn, type PlainForm, type Received, type State, TokenBucket, TokenRate
} from '../../src/kit.js'
import type { GuessThrottle } from './guesses.js'
import { roomOf, roomPrefix } from './room.js'
import { type frames, encode, errorMessages } from './schema.js'

type Signal = Static<typeof frames.signal>

export interface RoomsClient {
  readonly connection: Connection
  /** Its id in every room, for the lifetime of the socket. */
  readonly myId: string
  /** The end of its signals when they are passed on: its id as `senderId`. */
  readonly stamp: string
  /** Whose share of the mailboxes its kept signals count in. */
  readonly origin: string
  member: Member | undefined
  /** Bounds how many rooms it creates. */
  creations?: TokenBucket
}

/** Rooms that a socket may open within `ROOM_EMPTY_TTL_MS`: short codes are few. */
const maxRoomsLeft = 16

function refuseMore (connection: Connection): void {
  connection.noteRefusal('too_many_attempts')
  connection.refuse(errorMessages.tooManyAttempts)
}

export function roomsHandlers (
  state: State,
  { config, timers }: DialectContext,
  guesses: GuessThrottle
): Handlers<typeof frames, RoomsClient> {
  const { peers, rooms, relay } = state
  const creationRate = new TokenRate(maxRoomsLeft * 1000 / config.ROOM_EMPTY_TTL_MS, maxRoomsLeft)

  function enter (client: RoomsClient, roomId: string, type: 'room_created' | 'room_joined'): MaybePromise<JoinOutcome['outcome']> {
    const { connection, myId } = client
    const joined = peers.join({
      room: roomOf(roomId),
      id: myId,
      sink: connection,
      replace: false,
      requireOpen: true,
      maxMembers: config.ROOM_MAX_CLIENTS,
      leaving: client.member,
      welcome: () => encode({ type, roomId, myId }),
      undeliverable: () => connection.refuse(errorMessages.slow)
    })
    return andThen(joined, (joined) => {
      if (joined.outcome !== 'joined') return joined.outcome
      const isFirst = client.member === undefined
      client.member = joined.member
      return isFirst ? andThen(guesses.entered(connection.address), () => joined.outcome) : joined.outcome
    })
  }

  function join (client: RoomsClient, roomId: string | undefined): MaybePromise<void> {
    const { connection } = client
    const entered = guesses.attempt(connection.address, () => roomId === undefined ? 'missing' : enter(client, roomId, 'room_joined'))
    return andThen(entered, (outcome) => {
      if (outcome === 'barred') refuseMore(connection)
      else if (outcome === 'missing' || outcome === 'unavailable') connection.refuse(errorMessages.absent)
      else if (outcome !== 'joined') connection.refuse(errorMessages.full)
    })
  }

  return {
    create (client) {
      if (!client.connection.may.createRoom()) return client.connection.deny()
      client.creations ??= new TokenBucket(creationRate)
      if (!client.creations.take(timers.now())) return refuseMore(client.connection)
      const opened = rooms.open({
        prefix: roomPrefix,
        digits: config.ROOM_ID_DIGITS,
        idleMs: config.ROOM_TIMEOUT_MS,
        emptyMs: config.ROOM_EMPTY_TTL_MS,
        by: originOf(client.connection)
      })
      return andThen(opened, (roomId) => {
        if (roomId === undefined) {
          client.creations?.refund()
          return client.connection.refuse(errorMessages.noRoomFree)
        }
        // The room is gone if Redis has become unavailable meanwhile.
        return andThen(enter(client, roomId, 'room_created'), (outcome) => {
          if (outcome !== 'joined') client.connection.refuse(errorMessages.noRoomFree)
        })
      })
    },

    join (client, frame) {
      // Some clients send the code as a number.
      const roomId = typeof frame.roomId === 'string' || Number.isSafeInteger(frame.roomId) ? String(frame.roomId) : undefined
      if (roomId !== undefined && !client.connection.may.enterRoom(roomId)) return client.connection.deny()
      return join(client, roomId)
    },

    signal ({ connection, myId, stamp, origin, member }, frame, received) {
      if (member === undefined) return connection.refuse(errorMessages.notInRoom)
      const signal = forwarded(frame, received, myId, stamp)
      const sent = relay.broadcastOrKeep({ room: member.room, from: myId, frame: signal, origin, lost })
      return andThen(sent, (sent) => {
        if (sent !== 'full') return connection.charge(signal.byteLength, sent === 'kept' ? 1 : sent)
        connection.drop('mailbox_full')
        connection.refuse(errorMessages.empty)
      })
    }
  }
}

/** What a member is told whose kept signals were lost. */
const lost = (): Frame => encode({ type: 'error', message: errorMessages.empty })

/** How most clients write a signal. Some put `roomId`, `targetId` or more into it, which the server makes nothing of. */
const plainForm: PlainForm = { first: ['type'], next: 'payload', members: 2 }
const head = '{"type":"signal","payload":'

/** The signal as the others get it, with its sender. */
function forwarded (frame: Signal, received: Received, senderId: string, stamp: string): Frame {
  return passedOn(received, frame, plainForm, stamp) ??
    memberPassedOn(received, frame, 'payload', head, stamp) ??
    composed(frame, senderId)
}

/** The slow path to the same frame. */
function composed ({ payload }: Signal, senderId: string): Frame {
  return encode({ type: 'signal', senderId, payload })
}
