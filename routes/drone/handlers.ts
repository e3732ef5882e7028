import { randomUUID } from 'node:crypto'
import type { Config } from '../../src/config/schema.js'
import type { Handlers } from '../../src/dialect/dialect.js'
import { andThen, type MaybePromise } from '../../src/timing/maybe-promise.js'
import type { MemberList } from '../../src/dialect/member-list.js'
import type { State, FrameLike } from '../../src/state/contract.js'
import { register, type RegisteringClient } from '../../src/dialect/registration.js'
import { enveloped } from './envelope.js'
import { type frames, encode, errorMessages } from './schema.js'

/** All clients are in one room. */
export const room = 'drone'

interface Addressed {
  target?: string
  sessionId?: string | null
}

export function droneHandlers (state: State, config: Config, updates: MemberList | undefined): Handlers<typeof frames, RegisteringClient> {
  const { peers, sessions } = state

  /** Everything that is sent to another client goes through here: who sends, to whom, in which session. */
  function signal (
    { connection, member }: RegisteringClient,
    { target, sessionId }: Addressed,
    begins: boolean,
    compose: (from: string, session: string | undefined, timestamp: string) => FrameLike
  ): MaybePromise<void> {
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
    if (target === undefined || target === '') return connection.refuse(errorMessages.noTarget)
    const from = member.id
    const given = sessionId === null || sessionId === '' ? undefined : sessionId
    const sent = sessions.send({
      room,
      from,
      to: target,
      session: given ?? (begins ? `session-${randomUUID()}` : undefined),
      begins,
      idleMs: config.SESSION_TIMEOUT_MS,
      frame: (session) => compose(from, session, now())
    })
    return andThen(sent, (sent) => {
      if (sent === 'foreign') connection.refuse(errorMessages.foreignSession)
      else if (sent !== 'sent') connection.refuse(errorMessages.absent, target)
    })
  }

  return {
    register (peer, { id }) {
      const earlier = peer.member
      const registered = register(state, config, peer, {
        room,
        id,
        welcome: () => encode({ type: 'registered', id, timestamp: now() }),
        undeliverable: (to) => peer.connection.refuse(errorMessages.absent, to),
        taken: errorMessages.taken
      })
      return andThen(registered, () => {
        // All others are told that the earlier one has left.
        if (earlier !== undefined && earlier.id !== peer.member?.id) peer.connection.charge(updates?.bytes ?? 0)
      })
    },

    offer (peer, frame, received) {
      // An offer always has a session: its own, or the one made up for it.
      return signal(peer, frame, true, (from, session, timestamp) => enveloped(frame, 'sdp', received, { from, session, timestamp }))
    },

    answer (peer, frame, received) {
      return signal(peer, frame, false, (from, session, timestamp) => enveloped(frame, 'sdp', received, { from, session, timestamp }))
    },

    ice (peer, frame, received) {
      return signal(peer, frame, false, (from, session, timestamp) => enveloped(frame, 'candidate', received, { from, session, timestamp }))
    },

    list ({ connection, member }) {
      return andThen(peers.list(room), (all) => {
        const clients = all.map(({ id }) => id).filter((id) => id !== member?.id)
        const frame = encode({ type: 'clients', clients, count: clients.length })
        connection.deliver(frame)
        connection.charge(frame.byteLength)
      })
    },

    ping ({ connection }) {
      connection.deliver(encode({ type: 'pong', timestamp: now() }))
    }
  }
}

let latestMs = 0
let latest = ''

/** ISO 8601, made once a millisecond: making it costs as much as all else that is done for a frame here. */
export function now (): string {
  const ms = Date.now()
  if (ms !== latestMs) {
    latestMs = ms
    latest = new Date(ms).toISOString()
  }
  return latest
}
