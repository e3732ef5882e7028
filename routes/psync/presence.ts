import { type DialectContext, Frame, type Peer, peerArray, type State } from '../../src/kit.js'
import { dialect, roomPrefix } from './room.js'
import { encode } from './schema.js'

/** A peer in the words of this dialect. The time is RFC 3339 in UTC. */
function described ({ id, seenAt }: Peer, room: string) {
  return { id, group_id: room.slice(roomPrefix.length), last_seen: new Date(seenAt).toISOString() }
}

const peers = peerArray(described, ({ seenAt }) => seenAt)

/** The list for a newcomer. */
export function peerList (room: string, others: readonly Peer[]): Frame {
  return new Frame('peer_list', `{"type":"peer_list","payload":{"peers":${peers(others, room)}}}`)
}

export function news (type: 'peer_joined' | 'peer_left', room: string, peer: Peer): Frame {
  return encode({ type, payload: { peer: described(peer, room) } })
}

/** Tells a group who comes and, with `PSYNC_PEER_LEFT`, who goes. */
export function announcePresence ({ peers, relay }: State, { config, connections }: DialectContext): void {
  const announce = (type: 'peer_joined' | 'peer_left') => (room: string, peer: Peer) => {
    relay.broadcastHere(room, () => news(type, room, peer), peer.id, peer)
  }
  const announceLeaving = announce('peer_left')
  peers.watch(dialect, {
    showsSeen: true,
    joined: announce('peer_joined'),
    // Not during a drain: every member of a large group would hear of every other.
    ...(config.PSYNC_PEER_LEFT && { left: (room, peer) => { if (!connections.isDraining) announceLeaving(room, peer) } })
  })
}
