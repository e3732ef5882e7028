import type { Frame } from '../frame/bytes.js'
import type { Peer, State } from '../state/contract.js'
import { coalesce } from '../timing/coalesce.js'
import { andThen } from '../timing/maybe-promise.js'
import type { Timers } from '../timing/timers.js'

/** The list of a room's members, which all of them are sent. */
export interface MemberList {
  /** Sends it soon: one list for many changes, and the last one after the last change. */
  announce (): void
  /** How many members it had when it was last sent, on all nodes, and the bytes that were sent to all of them. */
  readonly size: number
  readonly bytes: number
}

/**
 * Sends all members of a room the list of who is there, soon after it has changed. To be asked by a watcher on every node.
 *
 * @param compose makes the frame of the members, in the order in which they joined
 */
export function memberList (
  { peers, relay }: State,
  timers: Timers,
  room: string,
  compose: (members: readonly Peer[]) => Frame
): MemberList {
  let size = 0
  let bytes = 0
  const list = coalesce(timers, () => andThen(peers.list(room), (members) => {
    let length = 0
    const receivers = relay.listHere(room, () => {
      const frame = compose(members)
      length = frame.byteLength
      return frame
    }, () => list.isDue)
    size = members.length
    bytes = size * length
    return receivers * length
  }))
  return {
    announce: list.ask,
    get size () { return size },
    get bytes () { return bytes }
  }
}
