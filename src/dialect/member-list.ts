import type { Frame } from '../frame/bytes.js'
import type { Peer, Sink, State } from '../state/contract.js'
import { coalesce } from '../timing/coalesce.js'
import { andThen } from '../timing/maybe-promise.js'
import type { Timers } from '../timing/timers.js'
import type { Connection } from './connection.js'

/** The list of a room's members, which all of them are sent. */
export interface MemberList {
  /** Sends it soon to all who do not have it: one list for many changes, and the last one after the last change. */
  announce (): void
  /**
   * Sends it to a client that has just joined, who does not wait for the next list for all: at the end of this turn of the event loop,
   * one list for all who joined in it. Each is charged for it.
   */
  sendTo (newcomer: Connection): void
  /** The list for a newcomer that is welcomed with it: what it gets after that is news. */
  welcome (newcomer: Pick<Peer, 'id' | 'info'>, others: readonly Peer[]): Frame
  /** How many members it had when it was last sent, on all nodes, and the bytes that it takes to send it to all of them. */
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
  let newcomers: Connection[] = []
  /** Newcomers that have the list as it is. */
  const upToDate = new Set<Sink>()
  let changes = 0

  function composed (members: readonly Peer[]): Frame {
    const frame = compose(members)
    size = members.length
    bytes = size * frame.byteLength
    return frame
  }

  const forAll = coalesce(timers, () => andThen(peers.list(room), (members) => {
    let length = 0
    const receivers = relay.listHere(room, () => {
      const frame = composed(members)
      length = frame.byteLength
      return frame
    }, () => forAll.isDue, upToDate)
    return receivers * length
  }))

  const forNewcomers = () => {
    const waiting = newcomers
    newcomers = []
    const before = changes
    return andThen(peers.list(room), (members) => {
      const present = waiting.filter((newcomer) => newcomer.members.some((member) => member.room === room))
      if (present.length === 0) return
      const frame = composed(members)
      for (const newcomer of present) {
        if (changes === before) upToDate.add(newcomer)
        newcomer.deliverList(room, frame, () => forAll.isDue && !upToDate.has(newcomer))
        newcomer.charge(frame.byteLength)
      }
    })
  }

  return {
    announce () {
      changes++
      upToDate.clear()
      forAll.ask()
    },
    sendTo (newcomer) {
      if (newcomers.length === 0) timers.afterTurn(forNewcomers)
      newcomers.push(newcomer)
    },
    welcome: ({ id, info }, others) => composed([...others, { id, info, seenAt: timers.timeOfDay() }]),
    get size () { return size },
    get bytes () { return bytes }
  }
}
