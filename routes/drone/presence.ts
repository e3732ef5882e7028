import { coalesce } from '../../src/coalesce.js'
import { after } from '../../src/maybe-promise.js'
import type { State } from '../../src/state/contract.js'
import type { Timers } from '../../src/timers.js'
import { now, room } from './handlers.js'
import { say } from './schema.js'

/** Tells the clients who is left, soon after one or several have gone. */
export function announceLeaving ({ peers, relay }: State, timers: Timers): void {
  const announceList = coalesce(timers, () => after(peers.list(room), (all) => {
    const clients = all.map(({ id }) => id)
    relay.broadcastHere(room, () => say({ type: 'client_list_update', clients, count: clients.length, timestamp: now() }))
  }))
  peers.watch(room, { left: announceList })
}
