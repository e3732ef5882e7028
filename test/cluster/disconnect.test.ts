import t from 'tap'
import { nodesOn, tomPeer } from './nodes.js'

for (const [code, reason] of [[1000, 'Done'], [3000, ''], [4999, 'Over']] as const) {
  t.test(`a peer of another node is closed with ${code}`, async (t) => {
    const { apps: [one, other] } = await nodesOn(t, 2)
    if (one === undefined || other === undefined) throw new Error('two nodes')
    const peer = await tomPeer(t, other, 'peer')
    t.equal(await one.state.peers.disconnect('tom', 'peer', { code, reason }), 'closed')
    t.same(await peer.closed, { code, reason })
  })
}
