import { Peer, type PeerOptions } from 'peerjs'

/** Settles when the server has let the peer in, or with the type of its error. */
async function settled (peer: Peer): Promise<string> {
  return await new Promise((resolve) => {
    peer.on('open', () => resolve('open'))
    peer.on('error', ({ type }) => resolve(type))
  })
}

/**
 * Has a component with a peer mounted, cleaned up and mounted again in one tick, again and again, as React's StrictMode does. If
 * `isOpen`, the peer that is cleaned up is open. Answers what became of the last peer of each round.
 */
export async function mountTwice (options: PeerOptions, id: string, isOpen: boolean, rounds: number): Promise<string[]> {
  const ends: string[] = []
  let peer: Peer | undefined
  for (let round = 0; round < rounds; round++) {
    peer?.destroy()
    const first = new Peer(id, options)
    if (isOpen) ends.push(await settled(first))
    first.destroy()
    peer = new Peer(id, options)
    ends.push(await settled(peer))
  }
  return ends
}
