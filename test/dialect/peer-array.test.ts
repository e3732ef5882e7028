import t from 'tap'
import { peerArray } from '../../src/dialect/peer-array.js'

const peer = (at: number, seenAt = 0) => ({ id: `p"${at}`, info: {}, seenAt })

for (const count of [0, 1, 31, 32, 100]) {
  t.test(`${count} peers are the JSON array of what is said of each, however often it is asked for`, async (t) => {
    const text = peerArray(({ id }, room) => ({ id, room }))
    const peers = Array.from({ length: count }, (_, at) => peer(at))
    for (let round = 0; round < 2; round++) t.equal(text(peers, 'r'), JSON.stringify(peers.map(({ id }) => ({ id, room: 'r' }))))
  })
}

t.test('a peer is described once for many long lists, and again when it has changed', async (t) => {
  let described = 0
  const text = peerArray(({ id, seenAt }) => {
    described++
    return { id, seenAt }
  }, ({ seenAt }) => seenAt)
  const peers = Array.from({ length: 100 }, (_, at) => peer(at))
  for (let round = 0; round < 10; round++) text(peers, 'r')
  t.equal(described, 100)
  Object.assign(peers[7] as object, { seenAt: 1 })
  t.equal(text(peers, 'r'), JSON.stringify(peers.map(({ id, seenAt }) => ({ id, seenAt }))))
  t.equal(described, 101)
})
