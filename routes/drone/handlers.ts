import { randomUUID } from 'node:crypto'
import {
  andThen, type DialectContext, type Handlers, type MaybePromise, type MemberList, type Received, register,
  type RegisteringClient, type State
} from '../../src/kit.js'
import type { DroneBridging } from './bridge.js'
import { forwarded, type Signal } from './envelope.js'
import { pong } from './pong.js'
import { dialect, room } from './room.js'
import { type frames, encode, errorMessages, textOf } from './schema.js'
import { timestamp } from './timestamp.js'

export function droneHandlers (
  state: State,
  { config, timers, bridge }: DialectContext,
  updates: MemberList | undefined,
  bridging: DroneBridging
): Handlers<typeof frames, RegisteringClient> {
  const { peers, sessions } = state
  const entrance = bridge?.of(dialect)

  /** Sends a signal in its session. An offer without a session gets a new one. */
  function signal ({ connection, member }: RegisteringClient, frame: Signal, received: Received): MaybePromise<unknown> {
    const { type } = frame
    const target = textOf(frame.target)
    const sessionId = textOf(frame.sessionId)
    const begins = type === 'offer'
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
    if (target === undefined || target === '') return connection.refuse(errorMessages.noTarget)
    if (entrance !== undefined) {
      if (frame.type !== 'ice') bridging.learn(connection, frame.sdp)
      const passed = entrance.send(connection, member, target, frame)
      if (passed !== false) return passed
    }
    const from = member.id
    const given = sessionId === null || sessionId === '' ? undefined : sessionId
    const sent = sessions.send({
      room,
      from,
      to: target,
      session: given ?? (begins ? `session-${randomUUID()}` : undefined),
      begins,
      idleMs: config.SESSION_TIMEOUT_MS,
      frame: (session) => forwarded(frame, received, { from, session, timestamp: timestamp(timers) })
    })
    return andThen(sent, (sent) => {
      if (sent === 'foreign') connection.refuse(errorMessages.foreignSession)
      else if (sent !== 'sent') connection.refuse(errorMessages.absent, target)
    })
  }

  return {
    register (client, frame) {
      const id = textOf(frame.id)
      const earlier = client.member
      const registered = register(state, config, client, {
        room,
        id,
        welcome: () => encode({ type: 'registered', id, timestamp: timestamp(timers) }),
        undeliverable: (to) => client.connection.refuse(errorMessages.absent, to),
        taken: errorMessages.taken
      })
      return andThen(registered, () => {
        // All others are told that the earlier id has left.
        if (earlier !== undefined && earlier.id !== client.member?.id) client.connection.charge(updates?.bytes ?? 0)
      })
    },

    offer: signal,
    answer: signal,
    ice: signal,

    list ({ connection, member }) {
      return andThen(peers.list(room), (all) => {
        const clients = all.map(({ id }) => id).filter((id) => id !== member?.id)
        const frame = encode({ type: 'clients', clients, count: clients.length })
        connection.deliver(frame)
        connection.charge(frame.byteLength)
      })
    },

    ping ({ connection }) {
      connection.deliver(pong(timers))
    }
  }
}
