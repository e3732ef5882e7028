import { andThen } from '../timing/maybe-promise.js'
import type { JoinRequest, Peers } from './contract.js'

/** Notifies every connection of its joins and leaves, and limits the rooms that it may be in. */
export function withMembershipLimit (peers: Peers, maxRoomsPerClient = Infinity): Peers {
  function isCrowded ({ sink: { members = [] }, leaving }: JoinRequest): boolean {
    return leaving === undefined && members.length >= maxRoomsPerClient
  }

  return {
    ...peers,
    join (request) {
      if (isCrowded(request)) return { outcome: 'limited' }
      return andThen(peers.join(request), (joined) => {
        if (joined.outcome === 'joined') request.sink.onJoin?.(joined.member, request.leaving)
        return joined
      })
    },
    leave (member) {
      member.sink.onLeave?.(member)
      return peers.leave(member)
    }
  }
}
