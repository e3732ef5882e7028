import { andThen } from '../timing/maybe-promise.js'
import type { Frame } from '../frame/bytes.js'
import type { JoinRequest, Member, Peer, Peers, Sender } from './contract.js'

/** Tells every connection of the places it wins and gives up, and holds it to so many of them. */
export function withMembershipLimit (peers: Peers, maxRoomsPerClient = Infinity): Peers {
  function isCrowded ({ sink: { members = [] }, leaving }: JoinRequest): boolean {
    return leaving === undefined && members.length >= maxRoomsPerClient
  }

  return {
    ...peers,
    join (request) {
      if (isCrowded(request)) return { outcome: 'full' }
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

/** Whether a room has no members but this one. */
export function isAlone (members: ReadonlyMap<string, unknown>, id: string | undefined): boolean {
  return members.size === 0 || (members.size === 1 && id !== undefined && members.has(id))
}

/** In whose share news of a peer count. Those of peers of other nodes have one for all: nobody here knows whose sockets they are. */
export function senderAbout (peer: Peer | undefined): Sender | undefined {
  if (peer === undefined) return undefined
  return 'sink' in peer ? (peer as Member).sink : ''
}

/** Tells members who is in their room. Answers how many there are. */
export function deliverList (room: string, members: ReadonlyMap<string, Member>, list: Frame, isOutdated: () => boolean): number {
  for (const { sink } of members.values()) {
    if (sink.deliverList === undefined) sink.deliver(list, true)
    else sink.deliverList(room, list, isOutdated)
  }
  return members.size
}
