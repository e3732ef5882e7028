import { readFileSync, writeFileSync } from 'node:fs'
import nodePath from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { ClientEvents, type EndRecord } from '../../src/connection/events.js'
import type { Connection, Member } from '../../src/index.js'
import { build, connect, nodesOf, until, urlOf } from '../helper.js'
import { join, pathOf } from '../routes/peerjs/join.js'

const address = '127.0.0.1'

const names = ['connect', 'join', 'leave', 'close'] as const

/** What a server tells from now on, on all of its nodes: the name of each event, and what it came with. */
function hear (app: FastifyInstance): unknown[][] {
  const heard: unknown[][] = []
  for (const { signalbox: { events } } of nodesOf(app)) {
    for (const name of names) events.on(name, (event: unknown) => { heard.push([name, event]) })
  }
  return heard
}

async function registered (t: Test, app: FastifyInstance, nodeId: string, path = '/tom') {
  const client = await connect(t, app, path)
  client.send({ type: 'register', nodeId, username: nodeId })
  await client.nextOf('participants')
  return client
}

t.test('who comes and goes is told in order, with dialect, room, id, subject and address', async (t) => {
  const app = await build(t)
  const heard = hear(app)
  const client = await registered(t, app, 'a', '/')
  await client.close(4321)
  await until(() => heard.some(([name]) => name === 'close'))
  const peer = { dialect: 'tom', room: 'tom', id: 'a', subject: undefined, address }
  t.strictSame(heard, [
    ['connect', { dialect: undefined, subject: undefined, address }],
    ['join', peer],
    ['leave', peer],
    ['close', { dialect: 'tom', id: 'a', subject: undefined, address, code: 4321, reason: '' }]
  ])
})

t.test('a takeover is the leave and the close of the older connection, and the join of the newer one', async (t) => {
  const app = await build(t)
  await join(t, app, 'alice')
  const heard = hear(app)
  await join(t, app, 'alice')
  await until(() => heard.length === 4)
  const told = heard.map(([name, event]) => [name, (event as { code?: number }).code])
  const inOrder = [['connect', undefined], ['leave', undefined], ['join', undefined], ['close', 4000]]
  // Two nodes tell each of their own clients.
  if (nodesOf(app).length === 1) t.same(told, inOrder)
  else t.same(told.sort(), inOrder.sort())
})

t.test('a client that registers under another id, or again, leaves the earlier one: each join has its leave', async (t) => {
  const app = await build(t)
  const heard = hear(app)
  const client = await connect(t, app, '/tom')
  for (const nodeId of ['a', 'b', 'b']) {
    client.send({ type: 'register', nodeId, username: nodeId })
    await client.nextOf('participants')
  }
  await client.close()
  await until(() => heard.some(([name]) => name === 'close'))
  const moves = heard.map(([name, event]) => `${String(name)} ${(event as { id: string }).id}`).filter((move) => /^(join|leave)/.test(move))
  t.same(moves, ['join a', 'leave a', 'join b', 'leave b', 'join b', 'leave b'])
})

t.test('who is refused an id neither joins nor leaves', async (t) => {
  const app = await build(t)
  await join(t, app, 'alice', { token: 'mine' })
  const heard = hear(app)
  const thief = await connect(t, app, pathOf('alice', { token: 'guessed' }))
  await thief.closed
  await until(() => heard.some(([name]) => name === 'close'))
  t.same(heard.map(([name]) => name), ['connect', 'close'])
})

t.test('a listener that throws, or whose promise rejects, harms neither the client nor the listeners behind it', async (t) => {
  const app = await build(t)
  const failures: unknown[] = []
  let heard = 0
  for (const { log, signalbox: { events } } of nodesOf(app)) {
    log.error = (record: unknown) => { failures.push((record as { err: Error }).err.message) }
    for (const name of names) {
      events.on(name, () => { throw new Error(`${name} throws`) })
      events.on(name, async () => { throw new Error(`${name} rejects`) })
      events.once(name, () => heard++)
      for (let more = 0; more < 20; more++) events.on(name, () => heard++)
    }
  }
  const client = await registered(t, app, 'a')
  await client.close()
  await until(() => failures.length === 8 && heard === 84)
  t.same(failures.sort(), ['close', 'connect', 'join', 'leave'].flatMap((name) => [`${name} rejects`, `${name} throws`]))
})

t.test('where nobody listens, nothing is made, and nobody is looked at', async (t) => {
  const events = new ClientEvents((error) => { throw error })
  const untouched = new Proxy({}, { get: (_, name) => t.fail(`${String(name)} was read`) }) as Connection & Member & EndRecord
  events.emitter.on('join', t.fail)
  events.emitter.removeAllListeners()
  const makeAll = (): void => {
    events.connected(untouched, 'tom')
    events.moved(untouched, [], [untouched])
    events.moved(untouched, [untouched], [])
    events.closed(untouched)
  }
  makeAll()
})

t.test('the program in docs/embedding.md lists who is online, also after a takeover', async (t) => {
  const page = readFileSync(new URL('../../docs/embedding.md', import.meta.url), 'utf8')
  const [, program = ''] = /^```js\n([^]*?)^```$/m.exec(page) ?? []
  const file = nodePath.join(t.testdir(), 'online.mjs')
  writeFileSync(file, `${program.replace('port: 3000', 'port: 0')}\nexport { app }\n`)
  const { app } = await import(pathToFileURL(file).href) as { app: FastifyInstance }
  t.teardown(async () => await app.close())
  const online = async (): Promise<unknown> => await (await fetch(`${urlOf(app)}/online`)).json()
  const alice = await join(t, app, 'alice')
  t.same(await online(), ['peerjs alice'])
  const newer = await join(t, app, 'alice')
  await alice.closed
  t.same(await online(), ['peerjs alice'])
  await newer.close()
  await until(async () => (await online() as unknown[]).length === 0)
})
