import t from 'tap'
import { build, refusal, urlOf } from '../helper.js'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

t.test('/health says that the process lives, and no secrets', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/health`)
  t.equal(response.status, 200)
  const body = await response.json() as Record<string, unknown>
  t.equal(body.status, 'ok')
  t.same(Object.keys(body), ['status', 'uptime'])
  t.ok(Number(body.uptime) >= 0)
})

t.test('/ready says yes until the drain begins, while /health goes on', async (t) => {
  const app = await build(t)
  const ready = await fetch(`${urlOf(app)}/ready`)
  t.equal(ready.status, 200)
  t.same(await ready.json(), { status: 'ready' })
  const drained = app.signalbox.connections.drain(0)
  const draining = await fetch(`${urlOf(app)}/ready`)
  t.equal(draining.status, 503)
  t.same(await draining.json(), { status: 'draining' })
  t.equal((await refusal(t, app, '/tom')).status, 503)
  t.equal((await fetch(`${urlOf(app)}/health`)).status, 200)
  await drained
})

t.test('every dialect’s /health answers in its own form', async (t) => {
  const app = await build(t, { PEERJS_KEY: 'secret' })
  const get = async (path: string) => await fetch(urlOf(app) + path)
  t.same(await (await get('/tom/health')).json(), { ok: true })
  t.same(await (await get('/rooms/health')).json(), { status: 'ok' })
  t.same(await (await get('/peerjs/health')).json(), { status: 'ok' }, 'whatever the key')
  const psync = await get('/psync/health')
  t.match(psync.headers.get('content-type'), /^text\/plain/)
  t.equal((await psync.text()).trim(), 'OK')
  t.match(await (await get('/drone/health')).json(), {
    status: 'healthy', clients: 0, uptime: Number, memory: { rss: Number, heapTotal: Number, heapUsed: Number, external: Number }
  })
})

t.test('every dialect’s /id is a fresh id as text', async (t) => {
  const app = await build(t)
  const seen = new Set<string>()
  for (const dialect of ['peerjs', 'rooms', 'psync', 'drone', 'tom']) {
    for (let round = 0; round < 2; round++) {
      const response = await fetch(`${urlOf(app)}/${dialect}/id`)
      t.equal(response.status, 200)
      t.match(response.headers.get('content-type'), /^text\/plain/)
      const id = await response.text()
      t.match(id, uuid)
      seen.add(id)
    }
  }
  t.equal(seen.size, 10)
})

t.test('an unknown path is a 404, for requests and for upgrades', async (t) => {
  const app = await build(t)
  for (const path of ['/nope', '/tom/nope', '/ws/nope', '/health/nope', '/a/b/c/d']) {
    const response = await fetch(urlOf(app) + path)
    t.equal(response.status, 404, path)
    t.same(await response.json(), { error: 'not found' })
    t.equal((await refusal(t, app, path)).status, 404, path)
  }
  for (const path of ['/health', '/ready', '/tom/health', '/tom/id', '/openapi.json', '/psync']) {
    t.equal((await refusal(t, app, path)).status, 404, `no dialect is spoken on ${path}`)
  }
})

t.test('a dialect that is not spoken is not there', async (t) => {
  const app = await build(t, { DIALECTS: 'tom' })
  for (const path of ['/rooms', '/psync/ws', '/ws', '/drone', '/peerjs']) t.equal((await refusal(t, app, path)).status, 404, path)
  for (const path of ['/rooms/health', '/psync/health', '/drone/id', '/peerjs/id', '/']) {
    t.equal((await fetch(urlOf(app) + path)).status, 404, path)
  }
  t.equal((await fetch(`${urlOf(app)}/tom/health`)).status, 200)
})

t.test('a socket’s path is a 404 to a plain request', async (t) => {
  const app = await build(t)
  for (const path of ['/tom', '/rooms', '/drone', '/psync/ws', '/ws', '/peerjs']) {
    t.equal((await fetch(urlOf(app) + path)).status, 404, path)
  }
})
