import { once } from 'node:events'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import t, { type Test } from 'tap'
import { begin, buildOnly, type Client, connect, totals, until } from '../helper.js'
import { type Connection, Frame, Type } from '../../src/kit.js'
import { connectTcp, upgradeBytes } from '../../src/testing/raw.js'
import { join, pathOf } from '../routes/peerjs/join.js'
import { buildInVirtualTime } from '../virtual-time.js'

const build = buildOnly('peerjs')

/** Whether the client is let in; otherwise it is told that its id is taken. */
async function isLetIn (client: Client): Promise<boolean> {
  return (await client.next()).type === 'OPEN'
}

/** Asks for the id of `alice` with a token of its own. */
function claim (t: Test, app: FastifyInstance, token = 'another'): Client {
  return begin(t, app, pathOf('alice', { token }))
}

/** How many pings come from now on. */
function countPings ({ socket }: Client): () => number {
  let pings = 0
  socket.on('ping', () => pings++)
  return () => pings
}

t.test('200 of 200 who connect in the tick of the last one’s goodbye have its id, each with a token of its own', async (t) => {
  const app = await build(t)
  let holder = await join(t, app, 'alice', { token: 'first' })
  for (let round = 0; round < 200; round++) {
    holder.socket.close()
    const next = claim(t, app, `token ${round}`)
    if (!await isLetIn(next)) return t.fail(`refused in round ${round}`)
    holder = next
  }
  t.equal(totals(app).peers, 1)
})

t.test('a holder that answers keeps its id, and the newcomer is refused as soon as it has', async (t) => {
  const { app, pass } = await buildInVirtualTime(t)
  const holder = await join(t, app, 'alice', { token: 'mine' })
  const pings = countPings(holder)
  const newcomer = claim(t, app)
  t.match(await newcomer.next(), { type: 'ID-TAKEN' })
  t.equal((await newcomer.closed).code, 1008)
  t.equal(pings(), 1)
  await pass(5_000)
  t.equal(holder.socket.readyState, holder.socket.OPEN)
})

t.test('a holder that shows no sign of life for ID_PROBE_MS is closed with 4101, and the newcomer has the id', async (t) => {
  const { app, now, pass, passUntil } = await buildInVirtualTime(t, {}, 50)
  const holder = await connect(t, app, pathOf('alice', { token: 'mine' }), { autoPong: false })
  await holder.nextOf('OPEN')
  const startedAt = now()
  const newcomer = claim(t, app)
  const closed = once(holder.socket, 'close')
  await once(holder.socket, 'ping')
  await pass(1_000)
  t.equal(holder.socket.readyState, holder.socket.OPEN, 'it has time')
  await passUntil(() => holder.socket.readyState === holder.socket.CLOSED)
  t.equal((await closed)[0], 4101)
  t.ok(await isLetIn(newcomer))
  t.ok(now() - startedAt < 2_500)
})

t.test('with ID_PROBE_MS=0 nobody is asked', async (t) => {
  const app = await build(t, { ID_PROBE_MS: '0' })
  const holder = await connect(t, app, pathOf('alice', { token: 'mine' }), { autoPong: false })
  await holder.nextOf('OPEN')
  const pings = countPings(holder)
  t.notOk(await isLetIn(claim(t, app)))
  t.equal(pings(), 0)
})

for (const ID_PROBE_MS of ['0', '2000']) {
  t.test(`with ID_PROBE_MS=${ID_PROBE_MS}, who has said goodbye holds no id, though its connection has not ended`, async (t) => {
    const app = await build(t, { ID_PROBE_MS })
    const holder = await connectTcp(t, app)
    holder.write(upgradeBytes(pathOf('alice', { token: 'mine' })))
    await until(() => totals(app).peers === 1)
    // It does not read the end of the server's side, and so does not answer with its own.
    holder.pause()
    holder.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
    const [connection] = app.signalbox.connections
    await until(() => connection?.isClosing)
    t.ok(await isLetIn(claim(t, app)))
    t.equal(totals(app).sockets, 2)
  })
}

t.test('many who ask for one id at a time have its holder pinged twice a second, at no cost to its rate', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, { MESSAGE_RATE: '1', MESSAGE_BURST: '3' }, 50)
  const holder = await join(t, app, 'alice', { token: 'mine' })
  const pings = countPings(holder)
  const refused: boolean[] = []
  const seconds = 5
  for (let second = 0; second < seconds; second++) {
    const newcomers = Array.from({ length: 20 }, (_, n) => claim(t, app, `token ${n}`))
    for (const newcomer of newcomers) isLetIn(newcomer).then((isIn) => refused.push(!isIn)).catch(t.fail)
    await Promise.all(newcomers.map(async ({ socket }) => await once(socket, 'open')))
    await pass(1_000)
  }
  await until(() => refused.length === 20 * seconds)
  t.ok(refused.every((isRefused) => isRefused))
  t.ok(pings() >= seconds && pings() <= 2 * seconds + 2, `${pings()} pings`)
  t.equal(app.signalbox.connections.counters.held, 0, 'it was never held back')
})

t.test('a newcomer that goes while the holder is asked is not registered, and the next one is', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, {}, 50)
  const holder = await connect(t, app, pathOf('alice', { token: 'mine' }), { autoPong: false })
  await holder.nextOf('OPEN')
  const goes = claim(t, app, 'goes')
  await once(holder.socket, 'ping')
  await goes.close()
  await passUntil(() => app.signalbox.connections.size === 0)
  t.same([await app.state.peers.count('peerjs/peerjs'), app.signalbox.timers.size], [0, 0], 'nothing is left')
  t.ok(await isLetIn(claim(t, app, 'stays')))
})

t.test('of many who wait for one holder one has the id, and it is asked once', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, {}, 50)
  const holder = await connect(t, app, pathOf('alice', { token: 'mine' }), { autoPong: false })
  await holder.nextOf('OPEN')
  const pings = countPings(holder)
  const letIn: boolean[] = []
  for (let n = 0; n < 10; n++) isLetIn(claim(t, app, `token ${n}`)).then((isIn) => letIn.push(isIn)).catch(t.fail)
  await passUntil(() => letIn.length === 10)
  t.equal(letIn.filter((isIn) => isIn).length, 1)
  t.equal(pings(), 1)
})

t.test('a holder that is above its rate, and not read, is there', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, { MESSAGE_RATE: '1', MESSAGE_BURST: '1' }, 50)
  const holder = await join(t, app, 'alice', { token: 'mine' })
  for (let n = 0; n < 30; n++) holder.send({ type: 'HEARTBEAT' })
  await until(() => app.signalbox.connections.counters.held > 0)
  const answer = isLetIn(claim(t, app))
  let isIn: boolean | undefined
  answer.then((answer) => { isIn = answer }).catch(t.fail)
  await passUntil(() => isIn !== undefined)
  t.equal(isIn, false)
  t.equal(holder.socket.readyState, holder.socket.OPEN)
})

t.test('a holder whose frame is still being handled is there', async (t) => {
  let finish = (): void => {}
  const slow: FastifyPluginAsync = async (app) => {
    app.route({
      url: '/slow',
      ...app.speak({
        name: 'slow',
        frames: { enter: Type.Object({}), work: Type.Object({}) },
        handlers: {
          async enter ({ connection }: { connection: Connection }) {
            const joined = await app.state.peers.join({ room: 'slow', id: 'a', sink: connection, replace: false })
            connection.deliver(new Frame(joined.outcome, JSON.stringify({ type: joined.outcome })))
          },
          async work () {
            await new Promise<void>((resolve) => { finish = resolve })
          }
        },
        errors: { frame: () => '{}', notJson: '', unknownType: () => '', malformed: () => '', internal: '' },
        open: (connection) => ({ connection })
      })
    })
  }
  const { app, passUntil } = await buildInVirtualTime(t, {}, 50, slow)
  const [holder, newcomer] = [await connect(t, app, '/slow'), await connect(t, app, '/slow')]
  holder.send({ type: 'enter' })
  await holder.nextOf('joined')
  holder.send({ type: 'work' })
  await until(() => app.signalbox.dialects.get('slow')?.frames.get('work')?.received === 1)
  newcomer.send({ type: 'enter' })
  let answer: unknown
  newcomer.next().then(({ type }) => { answer = type }).catch(t.fail)
  await passUntil(() => answer !== undefined)
  t.equal(answer, 'taken')
  t.equal(holder.socket.readyState, holder.socket.OPEN)
  finish()
})

t.test('a holder that is in the middle of a long frame is there', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, {}, 50)
  const holder = await connectTcp(t, app)
  holder.write(upgradeBytes(pathOf('alice', { token: 'mine' })))
  await until(() => totals(app).peers === 1)
  let pinged = false
  holder.on('data', (bytes: Buffer) => { pinged ||= bytes.includes(Buffer.of(0x89, 1)) })
  // 64 KiB of a masked frame, which come bit by bit.
  holder.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
  const newcomer = claim(t, app)
  await until(() => pinged)
  await pass(500)
  holder.write(Buffer.alloc(1000))
  const [connection] = app.signalbox.connections
  await until(() => (connection?.socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead > 1000)
  await pass(2_000)
  t.notOk(await isLetIn(newcomer))
  t.equal(totals(app).peers, 1)
})
