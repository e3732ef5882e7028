import type { Config } from '../../src/config.js'
import type { Connection } from '../../src/connection.js'
import type { Handlers } from '../../src/dialect.js'
import { after, type MaybePromise } from '../../src/maybe-promise.js'
import type { Member, State } from '../../src/state/contract.js'
import { describe, roomOf } from './presence.js'
import { type frames, say, sentences } from './schema.js'

export interface PsyncPeer {
  readonly connection: Connection
  member: Member | undefined
}

interface Signal {
  type: 'offer' | 'answer' | 'candidate'
  source_id?: unknown
  target_id: string
  payload?: unknown
}

export function psyncHandlers ({ peers, relay }: State, config: Config): Handlers<typeof frames, PsyncPeer> {
  /** True when a frame names another sender. One that names nobody is not forged. */
  function isForged (source: unknown, id: string): boolean {
    return config.STRICT_IDENTITY && isNamed(source) && source !== id
  }

  function signal ({ connection, member }: PsyncPeer, { type, source_id: source, target_id: to, payload = null }: Signal): MaybePromise<void> {
    if (member === undefined) return connection.refuse(sentences.notRegistered)
    if (isForged(source, member.id)) return connection.refuse(sentences.forged)
    const frame = say({ type, source_id: typeof source === 'string' && isNamed(source) ? source : member.id, target_id: to, payload })
    return after(relay.send(member.room, to, frame), (sent) => {
      if (sent !== 'sent') connection.refuse(sentences.absent, to)
    })
  }

  return {
    register (peer, { source_id: source, payload: { peer_id: id, group_id: group } }) {
      if (isForged(source, id)) return peer.connection.refuse(sentences.forged)
      const room = roomOf(group)
      const joined = peers.join({
        room,
        id,
        sink: peer.connection,
        replace: config.ID_TAKEOVER === 'replace',
        leaving: peer.member,
        welcome: (others) => say({ type: 'peer_list', payload: { peers: others.map((other) => describe(room, other)) } })
      })
      return after(joined, (joined) => {
        if (joined.outcome === 'joined') peer.member = joined.member
        else peer.connection.refuse(sentences.taken)
      })
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
