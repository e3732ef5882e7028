import type { Peer } from '../state/contract.js'

/**
 * The JSON text of what `describe` says of a peer. It is made once for each peer, so that a list of thousands only has to be joined.
 *
 * @param version of what `describe` says, where that changes
 */
export function textOnce (describe: (peer: Peer) => unknown, version: (peer: Peer) => number = () => 0): (peer: Peer) => string {
  const texts = new WeakMap<Peer, { readonly version: number, readonly text: string }>()
  return (peer) => {
    const now = version(peer)
    const known = texts.get(peer)
    if (known?.version === now) return known.text
    const text = JSON.stringify(describe(peer))
    texts.set(peer, { version: now, text })
    return text
  }
}
