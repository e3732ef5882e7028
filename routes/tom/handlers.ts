import type { Config } from '../../src/config.js'
import type { Handlers } from '../../src/dialect.js'
import { after } from '../../src/maybe-promise.js'
import type { PeerInfo, State } from '../../src/state/contract.js'
import { isUnambiguous } from '../../src/wire.js'
import { register, type Registrant } from '../registrant.js'
import { type frames, say, sentences } from './schema.js'

/** All nodes are in one room. */
export const room = 'tom'

export function tomHandlers (state: State, config: Config): Handlers<typeof frames, Registrant> {
  const { relay } = state
  return {
    register (peer, { nodeId, username, publicKey, encryptionKey }) {
      const info: PeerInfo = { username, publicKey: publicKey ?? '', ...(typeof encryptionKey === 'string' && { encryptionKey }) }
      return register(state, config, peer, { room, id: nodeId, info, taken: sentences.taken, undeliverable: () => peer.connection.refuse(sentences.absent) })
    },

    heartbeat ({ member }) {
      if (member === undefined) return
      return after(relay.broadcast(room, say({ type: 'heartbeat', from: member.id }), member.id), () => {})
    },

    'role-assign' ({ connection, member }, { nodeId, roles }) {
      if (member === undefined) return connection.refuse(sentences.notRegistered)
      if (nodeId !== member.id && !connection.may.hasRole('assign')) return connection.deny()
      return after(relay.broadcast(room, say({ type: 'role-assign', nodeId, roles, from: member.id })), () => {})
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
