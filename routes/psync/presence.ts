import type { FastifyInstance } from 'fastify'
import type { Peer, State } from '../../src/state/contract.js'
import type { Frame } from '../../src/frame/bytes.js'
import { encode } from './schema.js'

/** Every group is a room. */
export const roomPrefix = 'psync/'

export function roomOf (group: string): string {
  return roomPrefix + group
}

/** A peer as this dialect writes it: the time is RFC 3339 UTC. */
export function describe (room: string, { id, seenAt }: Peer) {
  return { id, group_id: room.slice(roomPrefix.length), last_seen: new Date(seenAt).toISOString() }
}

export function news (type: 'peer_joined' | 'peer_left', room: string, peer: Peer): Frame {
  return encode({ type, payload: { peer: describe(room, peer) } })
}

/** Tells a group who comes and, if wished, who goes. */
export function announcePresence ({ peers, relay }: State, { config, connections }: FastifyInstance['signalbox']): void {
  const announce = (type: 'peer_joined' | 'peer_left') => (room: string, peer: Peer) => {
    relay.broadcastHere(room, () => news(type, room, peer), peer.id, peer)
  }
  const announceLeaving = announce('peer_left')
  peers.watch('psync', {
    showsSeen: true,
    joined: announce('peer_joined'),
    // Everybody here leaves during the drain, and a large group would hear of each other without end.
    ...(config.PSYNC_PEER_LEFT && { left: (room, peer) => { if (!connections.isDraining) announceLeaving(room, peer) } })
  })
}
