import t from 'tap'
import { type Client, connect, build, totals, until } from '../helper.js'
import { idsIn, join, listOf, news } from '../routes/tom/nodes.js'
import { bytesReadBy, crowd, type Member } from './crowd.js'
import { slowLine } from './slow-line.js'

const tenMbits = 1_250_000
/** Bytes a second that a node hands out for lists. */
const listBudget = 16 * 2 ** 20

t.test('nodes that register with the largest keys close no honest node on a line of 10 Mbit/s, and it gets the last list', async (t) => {
  const app = await build(t)
  const slow = await join(t, await slowLine(t, app, tenMbits), 'slow')
  // In JSON a quotation mark takes two bytes.
  const key = '"'.repeat(1024)
  const register = (at: number, round: number) => ({
    type: 'register',
    nodeId: `n${at}`,
    username: `u${round}`,
    publicKey: key,
    encryptionKey: key
  })
  const attackers = await crowd(t, app, 60, '/tom', (at) => [register(at, 0)], '127.0.0.2')
  for (const [at, { send }] of attackers.entries()) send(...Array.from({ length: 50 }, (_, round) => register(at, round + 1)))
  const last = await join(t, app, 'last')
  await listOf(slow, 'slow', 'last', ...attackers.map((_attacker, at) => `n${at}`))
  await news(slow, ['slow', 'last'], last)
  await news(last, ['last', 'slow'], slow)
  t.equal(totals(app).closed(4100), 0)
  t.equal(slow.socket.readyState, slow.socket.OPEN)
})

t.test('a node that registers again and again has others sent what its rate allows, and they feel nothing', async (t) => {
  const [rate, burst, ms] = [200, 1000, 3000]
  const app = await build(t, { MESSAGE_RATE: String(rate), MESSAGE_BURST: String(burst) })
  const nodes = await crowd(t, app, 300, '/tom', (at) => [{ type: 'register', nodeId: `node${at}`, username: 'u' }])
  const [alice, bob] = [await join(t, app, 'alice'), await join(t, app, 'bob')]
  const [{ send, socket }] = nodes as [Member]
  const before = bytesReadBy(nodes)
  const startedAt = performance.now()
  let slowest = 0
  for (let registrations = 0; performance.now() - startedAt < ms;) {
    if (socket.writableLength < 65_536) {
      send(...Array.from({ length: 100 }, () => ({ type: 'register', nodeId: 'node0', username: `u${registrations++}` })))
    }
    const askedAt = performance.now()
    await news(alice, ['alice', 'bob'], bob)
    slowest = Math.max(slowest, performance.now() - askedAt)
    alice.taken()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const out = bytesReadBy(nodes) - before
  const most = (burst + rate * seconds) * 16_384 * 1.5
  t.ok(out < most, `${Math.round(out / 2 ** 20)} MiB in ${seconds.toFixed(1)} s, at most ${Math.round(most / 2 ** 20)}`)
  t.ok(slowest < 1000, `a signal between neighbours took ${Math.round(slowest)} ms at most`)
  t.equal(totals(app).closed(4100), 0)
})

t.test('lists for many who come and go take what a node has for lists', async (t) => {
  const app = await build(t)
  const nodes = await crowd(
    t,
    app,
    200,
    '/tom',
    (at) => [{ type: 'register', nodeId: `node${at}`, username: 'u', encryptionKey: 'k'.repeat(1024) }]
  )
  await join(t, app, 'settled')
  const before = bytesReadBy(nodes)
  const startedAt = performance.now()
  let visits = 0
  while (performance.now() - startedAt < 3000) {
    const visitor = await connect(t, app, '/tom')
    visitor.send({ type: 'register', nodeId: `visitor${visits++}`, username: 'v' })
    await visitor.close()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const out = bytesReadBy(nodes) - before
  const presence = 2 * visits * nodes.length * 100
  // One that was begun, and one that is on its way.
  const most = seconds * listBudget + 2 * nodes.length * nodes.length * 1100 + presence
  t.ok(
    out <= most,
    `${Math.round(out / 2 ** 20)} MiB for ${visits} visits in ${seconds.toFixed(1)} s, at most ${Math.round(most / 2 ** 20)}`
  )
})

t.test('a socket that waits for a list gets the newest instead of both, and is not closed for lists', async (t) => {
  const app = await build(t, { MAX_BUFFERED: '65536' })
  const slow = await join(t, app, 'slow')
  const lists: string[][] = []
  slow.socket.on('message', (data) => {
    const ids = idsIn(JSON.parse(String(data)) as Record<string, unknown>)
    if (ids.length > 0) lists.push(ids)
  })
  slow.socket.pause()
  const others = await crowd(
    t,
    app,
    50,
    '/tom',
    (at) => [{ type: 'register', nodeId: `n${at}`, username: 'u', encryptionKey: 'k'.repeat(1024) }]
  )
  const witnessed = { lists: 0 }
  const witness = await join(t, app, 'witness')
  witness.socket.on('message', (data) => { if (String(data).startsWith('{"type":"participants"')) witnessed.lists++ })
  // More than the kernel takes: the lists of others have some 55 KB each.
  const visit = async (id: string): Promise<Client> => {
    const before = witnessed.lists
    const visitor = await join(t, app, id)
    await until(() => witnessed.lists > before)
    witness.taken()
    return visitor
  }
  while (witnessed.lists < 150) await (await visit(`visitor${witnessed.lists}`)).close()
  await visit('last')
  slow.socket.resume()
  await until(() => lists.at(-1)?.includes('last'))
  t.ok(lists.length < witnessed.lists, `${lists.length} lists where others were told ${witnessed.lists}`)
  t.equal(totals(app).closed(4100), 0)
  t.equal(others.length, 50)
  t.same(lists.at(-1)?.filter((id) => id.startsWith('visitor')), [])
})
