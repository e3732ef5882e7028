import type { Config } from '../../src/config.js'
import type { Handlers } from '../../src/dialect.js'
import { after } from '../../src/maybe-promise.js'
import type { MemberList } from '../../src/member-list.js'
import type { PeerInfo, State } from '../../src/state/contract.js'
import { isUnambiguous } from '../../src/wire.js'
import { register, type Registrant } from '../registrant.js'
import { presence, room } from './presence.js'
import { type frames, say, sentences } from './schema.js'

export function tomHandlers (state: State, config: Config, list: MemberList): Handlers<typeof frames, Registrant> {
  const { relay } = state
  return {
    register (peer, { nodeId, username, publicKey, encryptionKey }) {
      const info: PeerInfo = { username, publicKey: publicKey ?? '', ...(typeof encryptionKey === 'string' && { encryptionKey }) }
      const earlier = peer.member
      const registered = register(state, config, peer, { room, id: nodeId, info, taken: sentences.taken, undeliverable: () => peer.connection.refuse(sentences.absent) })
      return after(registered, () => {
        const { connection, member } = peer
        if (member === undefined || member === earlier) return
        connection.charge(list.size * Buffer.byteLength(presence('join', member)))
        if (earlier === undefined) return
        // Connecting again instead is bounded by CONNECT_RATE.
        connection.charge(list.bytes + (earlier.id === nodeId ? 0 : list.size * Buffer.byteLength(presence('leave', earlier))))
      })
    },

    heartbeat ({ connection, member }) {
      if (member === undefined) return
      const frame = say({ type: 'heartbeat', from: member.id })
      return after(relay.broadcast(room, frame, member.id), (count) => connection.charge(count * Buffer.byteLength(frame)))
    },

    'role-assign' ({ connection, member }, { nodeId, roles }) {
      if (member === undefined) return connection.refuse(sentences.notRegistered)
      if (nodeId !== member.id && !connection.may.hasRole('assign')) return connection.deny()
      const frame = say({ type: 'role-assign', nodeId, roles, from: member.id })
      return after(relay.broadcast(room, frame, undefined, { from: member.id, isSignal: true }), (count) => connection.charge(count * Buffer.byteLength(frame)))
    },

    signal ({ connection, member }, frame, raw) {
      const { from, to } = frame
      if (config.STRICT_IDENTITY) {
        if (member === undefined) return connection.refuse(sentences.notRegistered)
        if (from !== member.id) return connection.refuse(sentences.forged)
      }
      return after(relay.send(room, to, isUnambiguous(raw, 'signal', 'from', from) ? raw : JSON.stringify(frame), member?.id), (sent) => {
        if (sent !== 'sent') connection.refuse(sentences.absent)
      })
    }
  }
}
