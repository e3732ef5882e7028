import type { Signalbox } from '../../plugins/signalbox.js'
import { coalesce } from '../../src/coalesce.js'
import { after } from '../../src/maybe-promise.js'
import type { Peer, State } from '../../src/state/contract.js'
import { room } from './handlers.js'
import { say } from './schema.js'

/** Tells the nodes who comes and goes, and soon after each change who is there. */
export function announcePresence ({ peers, relay }: State, { timers, connections }: Signalbox): void {
  const announceList = coalesce(timers, () => after(peers.list(room), (nodes) => {
    relay.broadcastHere(room, () => say({ type: 'participants', participants: nodes.map(participant) }))
  }))

  function announce (action: 'join' | 'leave', { id, info }: Peer): void {
    const { username = '', publicKey = '', encryptionKey } = info
    relay.broadcastHere(room, () => say({ type: 'presence', action, nodeId: id, username, publicKey, ...(encryptionKey !== undefined && { encryptionKey }) }), id)
    announceList()
  }

  peers.watch(room, {
    joined: (_room, peer) => announce('join', peer),
    // Everybody here leaves during the drain, and 2 000 nodes would hear 2 million times of each other: the lists tell enough.
    left: (_room, peer) => connections.isDraining ? announceList() : announce('leave', peer)
  })
}

function participant ({ id, info: { username = '', encryptionKey } }: Peer) {
  return { nodeId: id, username, ...(encryptionKey !== undefined && { encryptionKey }) }
}
