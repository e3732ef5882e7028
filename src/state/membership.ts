import { checkClose, quote } from '../frame/close-codes.js'
import { andThen } from '../timing/maybe-promise.js'
import type { JoinRequest, Peers } from './contract.js'

const slash = 47

/** Whether a room is `<dialect>` or `<dialect>/<name>`. */
function isOf (dialect: string, room: string): boolean {
  return room.startsWith(dialect) && (room.length === dialect.length || room.charCodeAt(dialect.length) === slash)
}

/** Notifies every connection of its joins and leaves, and limits the rooms that it may be in: to those of its dialect, and in number. */
export function withMembershipLimit (peers: Peers, maxRoomsPerClient = Infinity): Peers {
  function isCrowded ({ sink: { members = [] }, leaving }: JoinRequest): boolean {
    return leaving === undefined && members.length >= maxRoomsPerClient
  }

  return {
    ...peers,
    join (request) {
      const { room, sink: { dialect } } = request
      if (dialect !== undefined && !isOf(dialect, room)) {
        throw new TypeError(`The room ${quote(room)} is not one of the dialect ${dialect}: its rooms are ${dialect} and ${dialect}/…`)
      }
      if (isCrowded(request)) return { outcome: 'limited' }
      return andThen(peers.join(request), (joined) => {
        if (joined.outcome === 'joined') request.sink.onJoin?.(joined.member, request.leaving)
        return joined
      })
    },
    disconnect (room, id, request) {
      checkClose(request.code, request.reason)
      return peers.disconnect(room, id, request)
    },
    leave (member) {
      member.sink.onLeave?.(member)
      return peers.leave(member)
    }
  }
}
