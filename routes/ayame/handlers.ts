import {
  andThen, type Connection, type Handlers, type IceServers, type JsonObject, type MaybePromise, type Member, passedOn, type Permit,
  type PlainForm, type Received, type State
} from '../../src/kit.js'
import { normalClosure, roomPrefix } from './room.js'
import { type frames, type Signal, encode, errorMessages, rejections } from './schema.js'

/** How often a client is pinged, as by the original. In ms. */
const pingEveryMs = 5_000

const ping = encode({ type: 'ping' })

export interface AyameClient {
  readonly connection: Connection
  /** Its id in its room, and its `connectionId`. */
  readonly id: string
  member: Member | undefined
}

interface Services {
  iceServers (permit: Permit): IceServers
}

const signalForm: PlainForm = { first: ['type'] }

/** The token that a client has in its `register`, where it has a webhook's key for the original. */
export function tokenIn ({ authnMetadata, signalingKey, key }: JsonObject): unknown {
  const { token } = Object(authnMetadata) as { token?: unknown }
  return [authnMetadata, token, signalingKey, key].find((value) => typeof value === 'string' && value !== '')
}

export function ayameHandlers ({ peers, relay }: State, { iceServers }: Services): Handlers<typeof frames, AyameClient> {
  function reject ({ connection }: AyameClient, reason: string): void {
    connection.end(encode({ type: 'reject', reason }), normalClosure)
  }

  function accept ({ connection, id }: AyameClient, isExistClient: boolean) {
    const servers = iceServers(connection.may).iceServers
    return encode({
      type: 'accept',
      connectionId: id,
      isExistClient,
      isExistUser: isExistClient,
      ...(servers.length > 0 && { iceServers: servers })
    })
  }

  function signal ({ connection, member }: AyameClient, frame: Signal, received: Received): MaybePromise<void> {
    if (member === undefined) return connection.refuse(errorMessages.unregistered)
    const signal = passedOn(received, frame, signalForm) ?? encode(frame)
    const sent = relay.broadcast(member.room, signal, member.id, { isSignal: true })
    return andThen(sent, (count) => connection.charge(signal.byteLength, count))
  }

  return {
    register (client, { roomId, standalone }) {
      const { connection, id } = client
      if (client.member !== undefined) return connection.refuse(errorMessages.registered)
      if (!connection.may.enterRoom(roomId)) return connection.deny()
      const joined = peers.join({
        room: roomPrefix + roomId,
        id,
        info: standalone === true ? { standalone: 'true' } : {},
        sink: connection,
        replace: false,
        maxMembers: 2,
        welcome: (others) => accept(client, others.length > 0),
        undeliverable: () => connection.refuse(errorMessages.slow)
      })
      return andThen(joined, ({ outcome, member }) => {
        if (member === undefined) return reject(client, outcome === 'full' ? rejections.full : rejections.unavailable)
        client.member = member
        if (standalone !== true) connection.every(pingEveryMs, () => connection.deliver(ping))
      })
    },
    offer: signal,
    answer: signal,
    candidate: signal,
    pong () {},
    connected ({ connection, member }) {
      if (member === undefined) return connection.refuse(errorMessages.unregistered)
      if (member.info.standalone !== undefined) connection.close(normalClosure)
    }
  }
}
