import { type DialectContext, memberList, type MemberList, type State } from '../../src/kit.js'
import { dialect, room } from './room.js'
import { encode } from './schema.js'
import { timestamp } from './timestamp.js'

/** Tells the clients who is left, soon after one or several have gone. Undefined where that is turned off. */
export function announcePresence (state: State, { config, timers }: DialectContext): MemberList | undefined {
  if (!config.DRONE_LIST_UPDATES) return undefined
  const list = memberList(state, timers, room, (all) => {
    const clients = all.map(({ id }) => id)
    return encode({ type: 'client_list_update', clients, count: clients.length, timestamp: timestamp(timers) })
  })
  state.peers.watch(dialect, { left: list.announce })
  return list
}
