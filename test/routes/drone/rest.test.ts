import t from 'tap'
import { buildOnly, connect, refusal, urlOf } from '../../helper.js'
import { join, news } from './clients.js'

const build = buildOnly('drone')

t.test('GET /drone/health tells the clients, the uptime and the memory', async (t) => {
  const app = await build(t)
  await join(t, app, 'a')
  await join(t, app, 'b')
  await connect(t, app, '/drone')
  const answer = await fetch(`${urlOf(app)}/drone/health`)
  t.equal(answer.status, 200)
  const { uptime, memory, ...rest } = await answer.json() as { uptime: number, memory: Record<string, number> }
  t.strictSame(rest, { status: 'healthy', clients: 2 }, 'registered ones')
  t.ok(uptime > 0 && uptime <= process.uptime(), 'seconds')
  t.same(Object.keys(memory), ['rss', 'heapTotal', 'heapUsed', 'external'])
  for (const bytes of Object.values(memory)) t.ok(Number.isInteger(bytes) && bytes > 0)
})

t.test('GET /drone/id is a fresh id as plain text', async (t) => {
  const app = await build(t)
  const ids = new Set<string>()
  for (let at = 0; at < 3; at++) {
    const answer = await fetch(`${urlOf(app)}/drone/id`)
    t.match(answer.headers.get('content-type'), /^text\/plain/)
    ids.add(await answer.text())
  }
  t.equal(ids.size, 3)
  for (const id of ids) t.match(id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
})

t.test('GET /drone/peers is off by default', async (t) => {
  const app = await build(t)
  t.equal((await fetch(`${urlOf(app)}/drone/peers`)).status, 401)
})

t.test('GET /drone/peers lists the ids with ALLOW_DISCOVERY=true', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const peers = async () => await (await fetch(`${urlOf(app)}/drone/peers`)).json()
  t.same(await peers(), [])
  await join(t, app, 'a')
  await join(t, app, 'b')
  t.same(await peers(), ['a', 'b'])
})

t.test('clients at /drone, at the bare root and on a native listener meet', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'drone:0' })
  const port = app.nativePorts[0] ?? 0
  const alice = await join(t, app, 'a')
  const others = {
    slash: await join(t, app, 'slash', '/drone/'),
    root: await join(t, app, 'root', '/'),
    native: await join(t, port, 'native', '/')
  }
  for (const [id, other] of Object.entries(others)) {
    t.same(await news(alice, other, id), [])
    t.same(await news(other, alice, 'a'), [])
  }
  t.match(await (await fetch(`${urlOf(port)}/health`)).json(), { status: 'healthy', clients: 4 })
  for (const path of ['/', '/drone/health', '/peers']) t.equal((await fetch(urlOf(port) + path)).status, 404, path)
})

t.test('without this dialect its path is not there', async (t) => {
  const app = await build(t, { DIALECTS: 'tom' })
  t.equal((await refusal(t, app, '/drone')).status, 404)
})
