import { type Peers } from '../../src/kit.js'
import { encode } from './schema.js'

export const dialect = 'ayame'

export const roomPrefix = `${dialect}/`

export const normalClosure = 1000

const bye = encode({ type: 'bye' })

/** Ends a room with the first client that leaves it: the other one hears `bye`, and is closed. */
export function endRooms (peers: Peers): void {
  /** The ids of all members, by the news: whoever is among them when somebody leaves was in the room with them. */
  const arrived = new Set<string>()
  peers.watch(dialect, {
    joined (_room, { id }) { arrived.add(id) },
    left (room, { id }) {
      arrived.delete(id)
      for (const { id: other, info, sink } of peers.here(room)) {
        if (!arrived.has(other)) continue
        if (info.standalone === undefined) sink.deliver(bye)
        sink.close(normalClosure, '')
      }
    }
  })
}
