import { checkClose, quote } from '../frame/close-codes.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { JoinOutcome, JoinRequest, Peers } from './contract.js'

const slash = 47

/** A join as a state decides it, before the connection that holds the id has been asked whether its client is there. */
export type JoinDecision = JoinOutcome | Taken

/** Another connection holds the id. */
export interface Taken {
  readonly outcome: 'taken'
  /** Whether it holds the id once it has been asked. One that does not has left. */
  readonly isHeld: () => MaybePromise<boolean>
}

/** The members of rooms, as a state keeps them. */
export interface UncheckedPeers extends Omit<Peers, 'join'> {
  join (request: JoinRequest): MaybePromise<JoinDecision>
}

/** Whether a room is `<dialect>` or `<dialect>/<name>`. */
function isOf (dialect: string, room: string): boolean {
  return room.startsWith(dialect) && (room.length === dialect.length || room.charCodeAt(dialect.length) === slash)
}

/**
 * What all states have in common. Every connection is notified of its joins and leaves, and the rooms that it may be in are limited: to
 * those of its dialect, and in number. Whoever holds an id is asked before a newcomer is refused it.
 */
export function membershipOf (peers: UncheckedPeers, maxRoomsPerClient = Infinity): Peers {
  function isCrowded ({ sink: { members = [] }, leaving }: JoinRequest): boolean {
    return leaving === undefined && members.length >= maxRoomsPerClient
  }

  /** Decides again once the holder has gone. The newcomer may have gone, too. */
  function join (request: JoinRequest): MaybePromise<JoinOutcome> {
    return andThen(peers.join(request), (decision) => {
      if (!('isHeld' in decision)) return decision
      return andThen(decision.isHeld(), (isHeld) => isHeld || request.sink.isClosing === true ? { outcome: 'taken' } : join(request))
    })
  }

  return {
    ...peers,
    join (request) {
      const { room, sink: { dialect } } = request
      if (dialect !== undefined && !isOf(dialect, room)) {
        throw new TypeError(`The room ${quote(room)} is not one of the dialect ${dialect}: its rooms are ${dialect} and ${dialect}/…`)
      }
      if (isCrowded(request)) return { outcome: 'limited' }
      return andThen(join(request), (joined) => {
        if (joined.outcome === 'joined') request.sink.onJoin?.(joined.member, request.leaving)
        return joined
      })
    },
    disconnect (room, id, request) {
      checkClose(request.code, request.reason)
      return peers.disconnect(room, id, request)
    },
    leave (member, mayReturn) {
      member.sink.onLeave?.(member)
      return peers.leave(member, mayReturn)
    }
  }
}
