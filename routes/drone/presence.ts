import { type MemberList, memberList } from '../../src/dialect/member-list.js'
import type { State } from '../../src/state/contract.js'
import type { Timers } from '../../src/timing/timers.js'
import { encode } from './schema.js'
import { timestamp } from './timestamp.js'

/** All clients are in one room. */
export const room = 'drone'

/** Tells the clients who is left, soon after one or several have gone. */
export function announceLeaving (state: State, timers: Timers): MemberList {
  const list = memberList(state, timers, room, (all) => {
    const clients = all.map(({ id }) => id)
    return encode({ type: 'client_list_update', clients, count: clients.length, timestamp: timestamp() })
  })
  state.peers.watch(room, { left: list.announce })
  return list
}
