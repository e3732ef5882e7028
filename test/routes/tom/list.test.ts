import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { join, listOf, news, newsUnregistered, register } from './nodes.js'

const build = buildOnly('tom')

const burst = 200

/** Joins that may come late since other processes use the machine as well. */
const patience = 5

t.test('the last list after a burst of joins and leaves is complete and final', async (t) => {
  const app = await build(t)
  const watcher = await join(t, app, 'watcher')
  const clients = await Promise.all(Array.from({ length: burst }, async () => await connect(t, app, '/tom')))
  for (const [at, client] of clients.entries()) client.send({ type: 'register', nodeId: `n${at}`, username: `u${at}` })
  const stay: string[] = []
  for (const [at, client] of clients.entries()) {
    if (at % 2 === 0) client.socket.close()
    else stay.push(`n${at}`)
  }
  await listOf(watcher, 'watcher', ...stay)
  const last = await join(t, app, 'last')
  await listOf(watcher, 'watcher', 'last', ...stay)
  await last.close()
  await listOf(watcher, 'watcher', ...stay)
  for (const client of clients.filter((_client, at) => at % 2 === 1)) {
    await listOf(client, 'watcher', ...stay)
  }
})

t.test('lists of many changes are told as one', async (t) => {
  const app = await build(t)
  const watcher = await join(t, app, 'watcher')
  const one = await connect(t, app, '/tom')
  let lists = 0
  watcher.socket.on('message', (data) => { if (String(data).includes('"participants"')) lists++ })
  for (let at = 0; at < burst; at++) one.send({ type: 'register', nodeId: `n${at}`, username: 'u' })
  await listOf(watcher, 'watcher', `n${burst - 1}`)
  await news(watcher, ['watcher', 'watcher'], watcher)
  t.ok(lists < burst / 2, `${lists} lists for ${2 * burst - 1} changes`)
})

t.test('a node that joins sees a list that holds itself within 50 ms', async (t) => {
  const app = await build(t)
  let late = 0
  for (let at = 0; at < 20; at++) {
    const client = await connect(t, app, '/tom')
    const startedAt = performance.now()
    await register(client, `n${at}`)
    if (performance.now() - startedAt > 50) late++
  }
  t.ok(late <= patience, `${late} of 20 were late`)
})

t.test('a list is for registered nodes only', async (t) => {
  const app = await build(t)
  const stranger = await connect(t, app, '/tom')
  const alice = await join(t, app, 'a')
  await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
  t.same(await newsUnregistered(stranger), [])
})
