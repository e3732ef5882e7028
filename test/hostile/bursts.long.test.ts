import t from 'tap'
import { connect } from '../helper.js'
import { start } from '../process.js'
import { honestPair, prefer, rawWebSocket, textFrame } from './neighbour.js'

const sockets = 60
/** All that a socket may send at once. */
const burst = 1000
/** What a neighbour waits while the burst is read, once, and longer than else while it is handled. In ms. */
const readMs = 2_000
const handledMs = 60
const roundMs = 500
/** Of five seconds, in which all that the sockets have sent is handled. */
const maxRounds = 6

for (const [what, path, frame] of [
  ['ping', '/drone', () => ({ type: 'ping' })],
  ['register one id each, again and again', '/drone', (id: string) => ({ type: 'register', id })],
  ['register as nodes, again and again', '/tom', (id: string) => ({ type: 'register', nodeId: id, username: id })],
  [
    'register in one group, again and again',
    '/psync/ws',
    (id: string) => ({ type: 'register', source_id: id, payload: { peer_id: id, group_id: 'crowd' } })
  ]
] as const) {
  const whose = `${sockets} sockets that ${what}, as often as they may at once`
  t.test(`the neighbours of ${whose}, wait for the burst to be read, and not to be handled`, async (t) => {
    const { port, child } = await start(t, { CONNECT_RATE: '1000000' })
    prefer(child.pid)
    const neighbour = await honestPair(t, port, { dialect: 'peerjs' })
    const quiet = await neighbour.measure(1000)
    const crowd = await Promise.all(Array.from(
      { length: sockets },
      async () => await rawWebSocket(t, port, path, { address: '127.66.9.1' })
    ))
    const reading = neighbour.measure(800)
    for (const [at, { socket }] of crowd.entries()) socket.write(Buffer.concat(Array<Buffer>(burst).fill(textFrame(frame(`crowd-${at}`)))))
    const { sent, delivered, max } = await reading
    t.equal(delivered, sent)
    t.ok(max <= readMs, `${max.toFixed(1)} ms at most while it is read`)
    const p99s: number[] = []
    while (p99s.length < maxRounds && !p99s.some((p99) => p99 <= quiet.p99 + handledMs)) p99s.push((await neighbour.measure(roundMs)).p99)
    const then = p99s.map((p99) => p99.toFixed(1)).join(', ')
    t.ok(Math.min(...p99s) <= quiet.p99 + handledMs, `p99 ${quiet.p99.toFixed(1)} ms alone, then ${then} ms`)
  })
}

t.test('what a client has sent before it goes is not lost for having no turn', async (t) => {
  const { port } = await start(t, { CONNECT_RATE: '1000000' })
  const receiver = await connect(t, port, '/drone')
  receiver.send({ type: 'register', id: 'receiver' })
  await receiver.nextOf('registered')
  const crowd = await Promise.all(Array.from({ length: 20 }, async () => await rawWebSocket(t, port, '/drone', { address: '127.66.9.2' })))
  for (const { socket } of crowd) socket.write(Buffer.concat(Array<Buffer>(burst).fill(textFrame({ type: 'list' }))))
  const sender = await connect(t, port, '/drone')
  sender.send({ type: 'register', id: 'sender' })
  for (let n = 0; n < 500; n++) sender.send({ type: 'offer', target: 'receiver', sdp: String(n) })
  sender.socket.close()
  for (let n = 0; n < 500; n++) t.equal((await receiver.nextOf('offer')).sdp, String(n))
})
