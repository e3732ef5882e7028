import { type DialectContext, Frame, memberList, type MemberList, type Peer, peerArray, type State } from '../../src/kit.js'
import { dialect, room } from './room.js'
import { encode } from './schema.js'

/** Tells the nodes who comes and goes, and soon after each change who is there. */
export function announcePresence (state: State, { timers, connections }: DialectContext): MemberList {
  const { peers, relay } = state
  const participants = peerArray(participant)
  const list = memberList(state, timers, room, (nodes) => {
    return new Frame('participants', `{"type":"participants","participants":${participants(nodes, room)}}`)
  })

  function announce (action: 'join' | 'leave', peer: Peer): void {
    relay.broadcastHere(room, () => presence(action, peer), peer.id, peer)
    list.announce()
  }

  peers.watch(dialect, {
    joined: (_room, peer) => announce('join', peer),
    // During a drain 2 000 leaving nodes would send each other 2 million frames. The lists are enough.
    left: (_room, peer) => connections.isDraining ? list.announce() : announce('leave', peer)
  })
  return list
}

export function presence (action: 'join' | 'leave', { id, info }: Pick<Peer, 'id' | 'info'>): Frame {
  const { username = '', publicKey = '', encryptionKey } = info
  return encode({ type: 'presence', action, nodeId: id, username, publicKey, ...(encryptionKey !== undefined && { encryptionKey }) })
}

function participant ({ id, info: { username = '', encryptionKey } }: Peer) {
  return { nodeId: id, username, ...(encryptionKey !== undefined && { encryptionKey }) }
}
