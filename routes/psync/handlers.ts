import type { Config } from '../../src/config.js'
import type { Handlers } from '../../src/dialect.js'
import { after, type MaybePromise } from '../../src/maybe-promise.js'
import type { Peer, State } from '../../src/state/contract.js'
import { register, type Registrant } from '../registrant.js'
import { describe, roomOf } from './presence.js'
import { type frames, say, sentences } from './schema.js'

interface Signal {
  type: 'offer' | 'answer' | 'candidate'
  source_id?: unknown
  target_id: string
  payload?: unknown
}

export function psyncHandlers (state: State, config: Config): Handlers<typeof frames, Registrant> {
  const { relay } = state

  /** True when a frame names another sender. One that names nobody is not forged. */
  function isForged (source: unknown, id: string): boolean {
    return config.STRICT_IDENTITY && isNamed(source) && source !== id
  }

  function signal ({ connection, member }: Registrant, { type, source_id: source, target_id: to, payload = null }: Signal): MaybePromise<void> {
    if (member === undefined) return connection.refuse(sentences.notRegistered)
    if (isForged(source, member.id)) return connection.refuse(sentences.forged)
    const frame = say({ type, source_id: typeof source === 'string' && isNamed(source) ? source : member.id, target_id: to, payload })
    return after(relay.send(member.room, to, frame, member.id), (sent) => {
      if (sent !== 'sent') connection.refuse(sentences.absent, to)
    })
  }

  return {
    register (peer, { source_id: source, payload: { peer_id: id, group_id: group } }) {
      if (isForged(source, id)) return peer.connection.refuse(sentences.forged)
      if (!peer.connection.may.enterGroup(group)) return peer.connection.deny()
      const room = roomOf(group)
      const welcome = (others: readonly Peer[]) => say({ type: 'peer_list', payload: { peers: others.map((other) => describe(room, other)) } })
      return register(state, config, peer, { room, id, welcome, taken: sentences.taken, undeliverable: (to) => peer.connection.refuse(sentences.absent, to) })
    },
    offer: signal,
    answer: signal,
    candidate: signal,
    heartbeat () {}
  }
}

function isNamed (source: unknown): boolean {
  return source !== undefined && source !== null && source !== ''
}
