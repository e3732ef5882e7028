import { after } from '../maybe-promise.js'
import type { Join, Peers } from './contract.js'

/** Tells every connection of the places it wins and gives up, and holds it to so many of them. */
export function placed (peers: Peers, maxPlaces = Infinity): Peers {
  function isCrowded ({ sink: { members = [] }, leaving }: Join): boolean {
    return leaving === undefined && members.length >= maxPlaces
  }

  return {
    ...peers,
    join (request) {
      if (isCrowded(request)) return { outcome: 'full' }
      return after(peers.join(request), (joined) => {
        if (joined.outcome === 'joined') request.sink.entered?.(joined.member, request.leaving)
        return joined
      })
    },
    leave (member) {
      member.sink.exited?.(member)
      return peers.leave(member)
    }
  }
}

/** Whether a room has no members but this one. */
export function isAlone (members: ReadonlyMap<string, unknown>, id: string | undefined): boolean {
  return members.size === 0 || (members.size === 1 && id !== undefined && members.has(id))
}
