import type { Peer } from '../state/contract.js'

/** Below so many peers a list is made anew: the texts of those who only meet in small rooms would cost memory and save nothing. */
const worthFrom = 32

/**
 * Makes the JSON array of what `describe` says of each peer. In long lists the text of a peer is made once and kept, so that a list of
 * thousands only has to be joined.
 *
 * @param version of what `describe` says of a peer, where that changes
 */
export function peerArray (
  describe: (peer: Peer, room: string) => unknown,
  version: (peer: Peer) => number = () => 0
): (peers: readonly Peer[], room: string) => string {
  const texts = new WeakMap<Peer, { readonly version: number, readonly text: string }>()

  function textOf (peer: Peer, room: string): string {
    const now = version(peer)
    const known = texts.get(peer)
    if (known?.version === now) return known.text
    const text = JSON.stringify(describe(peer, room))
    texts.set(peer, { version: now, text })
    return text
  }

  return (peers, room) => {
    if (peers.length < worthFrom) return JSON.stringify(peers.map((peer) => describe(peer, room)))
    return `[${peers.map((peer) => textOf(peer, room)).join()}]`
  }
}
