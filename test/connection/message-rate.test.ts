import { once } from 'node:events'
import t from 'tap'
import { closeTimeoutMs } from '../../src/connection/connections.js'
import { withSecret } from '../auth/tokens.js'
import { build, connect, type Frame, totals } from '../helper.js'
import { connectTcp, upgradeBytes } from '../../src/testing/raw.js'
import { buildInVirtualTime } from '../virtual-time.js'

/** So many pongs, as a client sends them. */
const pongs = (count: number) => Buffer.concat(Array<Buffer>(count).fill(Buffer.from([0x8a, 0x80, 0, 0, 0, 0])))

t.test('above MESSAGE_RATE frames are read more slowly, none is dropped, and neighbours feel nothing', async (t) => {
  const { app, now, passUntil } = await buildInVirtualTime(t, { MESSAGE_RATE: '20', MESSAGE_BURST: '5' }, 50)
  const [loud, neighbour] = [await connect(t, app, '/drone'), await connect(t, app, '/drone')]
  const startedAt = now()
  for (let frame = 0; frame < 45; frame++) loud.send({ type: 'offer', target: `t${frame}`, sdp: '' })
  loud.send({ type: 'register', id: 'loud' })
  for (let frame = 0; frame < 5; frame++) {
    neighbour.send({ type: 'ping' })
    await neighbour.nextOf('pong')
  }
  t.ok(now() - startedAt < 1500, 'the neighbour is served at once')
  const answers: Frame[] = []
  await passUntil(() => answers.push(...loud.taken()) === 46, 10_000)
  t.ok(now() - startedAt >= 40 / 20 * 1000 - 100, '46 frames, 5 of them at once')
  for (const answer of answers.slice(0, 45)) t.match(answer, { type: 'error', message: 'Not registered' })
  t.match(answers[45], { type: 'registered' }, 'in order')
})

t.test('a burst of MESSAGE_BURST frames is not held back', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '1', MESSAGE_BURST: '50' })
  const client = await connect(t, app, '/drone')
  const startedAt = performance.now()
  for (let frame = 0; frame < 50; frame++) client.send({ type: 'ping' })
  for (let frame = 0; frame < 50; frame++) await client.next()
  t.ok(performance.now() - startedAt < 1000)
})

t.test('the sender feels the back-pressure', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '1', MESSAGE_BURST: '1' })
  const client = await connect(t, app, '/drone')
  const frame = JSON.stringify({ type: 'ping', filler: 'x'.repeat(200_000) })
  let sent = 0
  // More than the kernel's buffers take stays with the sender.
  while (client.socket.bufferedAmount === 0 && sent < 1000) {
    client.send(frame)
    sent++
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(client.socket.bufferedAmount > 0, `after ${sent} frames`)
})

t.test('a socket held back is not silent', async (t) => {
  const env = { MESSAGE_RATE: '1', MESSAGE_BURST: '1', HEARTBEAT_INTERVAL: '1000', PEERJS_ALIVE_TIMEOUT: '1000' }
  const { app, passUntil } = await buildInVirtualTime(t, env, 50)
  const client = await connect(t, app, '/drone', { autoPong: false })
  const peer = await connect(t, app, '/peerjs?key=peerjs&id=a&token=b')
  await peer.nextOf('OPEN')
  for (let frame = 0; frame < 5; frame++) {
    client.send({ type: 'ping' })
    peer.send({ type: 'NONSENSE' })
  }
  const [pongs, errors]: [Frame[], Frame[]] = [[], []]
  await passUntil(() => pongs.push(...client.taken()) === 5 && errors.push(...peer.taken()) === 5, 10_000)
  for (const pong of pongs) t.match(pong, { type: 'pong' })
  for (const error of errors) t.match(error, { type: 'ERROR' })
})

for (const control of ['ping', 'pong'] as const) {
  t.test(`${control}s count too, each of them`, async (t) => {
    const { app, now, passUntil } = await buildInVirtualTime(t, { MESSAGE_RATE: '10', MESSAGE_BURST: '1' }, 50)
    const client = await connect(t, app, '/drone')
    const startedAt = now()
    for (let frame = 0; frame < 10; frame++) client.socket[control]()
    client.send({ type: 'ping' })
    const answers: Frame[] = []
    await passUntil(() => answers.push(...client.taken()) === 1, 10_000)
    t.match(answers, [{ type: 'pong' }])
    t.ok(now() - startedAt >= 900, 'what comes behind them waits')
  })
}

t.test('a flood of pongs that would be held back for longer than 30 s ends at once with 1008', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '1', MESSAGE_BURST: '1' })
  const socket = await connectTcp(t, app)
  socket.write(upgradeBytes('/drone'))
  await once(socket, 'data')
  const answer = once(socket, 'data')
  // In one read.
  socket.write(pongs(1000))
  const [close] = await answer as [Buffer]
  t.equal(close.readUInt16BE(2), 1008)
})

t.test('a frame in more than 1024 parts, which count as one, closes the socket with 1008', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/drone')
  client.socket.send('{"type":"ping"', { fin: false })
  for (let part = 0; part < 1022; part++) client.socket.send(' ', { fin: false })
  client.socket.send('}')
  t.match(await client.next(), { type: 'pong' })
  for (let part = 0; part < 1025; part++) client.socket.send('', { fin: false })
  t.equal((await client.closed).code, 1008)
})

for (const [who, env] of [['who was let in', {}], ['who never had a token', withSecret]] as const) {
  t.test(`${who} and floods on after our close is cut, without the time that others have to answer`, async (t) => {
    const app = await build(t, env)
    const socket = await connectTcp(t, app)
    socket.write(upgradeBytes('/rooms'))
    await once(socket, 'data')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    const startedAt = performance.now()
    const flood = pongs(20_000)
    while (!socket.destroyed && performance.now() - startedAt < 10_000) {
      socket.write(flood)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await closed
    const passed = performance.now() - startedAt
    t.ok(passed < closeTimeoutMs, `after ${Math.round(passed)} ms`)
    t.equal(totals(app).closed(1008), 1)
  })
}
