import type { FastifyInstance } from 'fastify'
import { type MemberList, memberList } from '../../src/dialect/member-list.js'
import type { Peer, State } from '../../src/state/contract.js'
import type { Frame } from '../../src/frame/bytes.js'
import { encode } from './schema.js'

/** All nodes are in one room. */
export const room = 'tom'

/** Tells the nodes who comes and goes, and soon after each change who is there. */
export function announcePresence (state: State, { timers, connections }: FastifyInstance['signalbox']): MemberList {
  const { peers, relay } = state
  const list = memberList(state, timers, room, (nodes) => encode({ type: 'participants', participants: nodes.map(participant) }))

  function announce (action: 'join' | 'leave', peer: Peer): void {
    relay.broadcastHere(room, () => presence(action, peer), peer.id, peer)
    list.announce()
  }

  peers.watch(room, {
    joined: (_room, peer) => announce('join', peer),
    // Everybody here leaves during the drain, and 2 000 nodes would hear 2 million times of each other: the lists tell enough.
    left: (_room, peer) => connections.isDraining ? list.announce() : announce('leave', peer)
  })
  return list
}

export function presence (action: 'join' | 'leave', { id, info: { username = '', publicKey = '', encryptionKey } }: Pick<Peer, 'id' | 'info'>): Frame {
  return encode({ type: 'presence', action, nodeId: id, username, publicKey, ...(encryptionKey !== undefined && { encryptionKey }) })
}

function participant ({ id, info: { username = '', encryptionKey } }: Peer) {
  return { nodeId: id, username, ...(encryptionKey !== undefined && { encryptionKey }) }
}
