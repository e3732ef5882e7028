import type { Static } from '@sinclair/typebox'
import type { Config } from '../../src/config.js'
import type { Handlers } from '../../src/dialect.js'
import { after } from '../../src/maybe-promise.js'
import type { PeerInfo, State } from '../../src/state/contract.js'
import type { JsonObject, Received } from '../../src/parse.js'
import { restOf } from '../../src/pass-on.js'
import { Frame } from '../../src/wire.js'
import { register, type Registrant } from '../registrant.js'
import { type frames, say, sentences } from './schema.js'

type Signal = Static<typeof frames.signal>

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

    signal ({ connection, member }, frame, received) {
      const { from, to } = frame
      if (config.STRICT_IDENTITY) {
        if (member === undefined) return connection.refuse(sentences.notRegistered)
        if (from !== member.id) return connection.refuse(sentences.forged)
      }
      return after(relay.send(room, to, forwarded(frame, received), member?.id), (sent) => {
        if (sent !== 'sent') connection.refuse(sentences.absent)
      })
    }
  }
}

/** Names that mean something in a signal. */
const signalNames: readonly string[] = ['type', 'from', 'to', 'payload']

/** A signal as its receiver gets it: the bytes that came, or composed anew where another parser might read another sender in them. */
function forwarded (frame: Signal, received: Received): Frame {
  const { type, from, to } = frame
  const isPlain = restOf(received, frame, ['type', type, 'from', from, 'to', to]) !== -1 && !Object.keys(frame).some(isVariant)
  return new Frame(type, isPlain ? received.bytes : composed(frame))
}

/** The general way to the same frame, without the names that some parsers take for ours. */
function composed (frame: JsonObject): string {
  return JSON.stringify(Object.fromEntries(Object.entries(frame).filter(([name]) => !isVariant(name))))
}

function isVariant (name: string): boolean {
  return !signalNames.includes(name) && signalNames.includes(name.toLowerCase())
}
