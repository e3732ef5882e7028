import fastify from 'fastify'
import t from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, urlOf } from '../helper.js'

const dialects = ['peerjs', 'rooms', 'psync', 'drone', 'tom']
const paths = [
  '/health', '/ready', '/ice-servers', '/admin/connections', '/admin/node', '/nowhere', '/%zz', '/wrong/id',
  ...dialects.flatMap((name) => [`/${name}/id`, `/${name}/peers`, `/${name}/health`])
]

async function cacheControl (url: string, headers: Record<string, string> = {}): Promise<string | null> {
  return (await fetch(url, { headers })).headers.get('cache-control')
}

t.test('ids, peers, health, ready, ice-servers and admin are never cached, nor are their errors', async (t) => {
  const open = await build(t, { ALLOW_DISCOVERY: 'true', NATIVE_PORTS: 'tom:0,peerjs:0' })
  const closed = await build(t, { ...withSecret, ALLOWED_ORIGINS: 'https://ours.test' })
  const { headers } = bearing({ sub: 'a', roles: ['admin'] })
  for (const path of paths) {
    t.equal(await cacheControl(urlOf(open) + path), 'no-store', path)
    t.equal(await cacheControl(urlOf(closed) + path), 'no-store', `${path} without a token`)
    t.equal(await cacheControl(urlOf(closed) + path, headers as Record<string, string>), 'no-store', `${path} of an administrator`)
    t.equal(await cacheControl(urlOf(closed) + path, { origin: 'https://others.test' }), 'no-store', `${path} refused`)
  }
  for (const port of open.nativePorts) {
    for (const path of ['/', '/health', '/peerjs/id', '/nowhere']) t.equal(await cacheControl(urlOf(port) + path), 'no-store')
  }
})

t.test('while the server drains, and past a rate, too', async (t) => {
  const app = await build(t, { CONNECT_RATE: '1' })
  await fetch(`${urlOf(app)}/tom/id`)
  const limited = await fetch(`${urlOf(app)}/tom/id`)
  t.equal(limited.status, 429)
  t.equal(limited.headers.get('cache-control'), 'no-store')
  await app.signalbox.connections.drain(0)
  const draining = await fetch(`${urlOf(app)}/ready`)
  t.equal(draining.status, 503)
  t.equal(draining.headers.get('cache-control'), 'no-store')
})

t.test('a route in an app of yours is cached as it says', async (t) => {
  const app = fastify({ forceCloseConnections: true })
  t.teardown(async () => await app.close())
  app.get('/mine', async () => 'mine')
  await app.register(signalbox, { config: readConfig({ LOG_LEVEL: 'silent' }, []) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal(await cacheControl(`${urlOf(app)}/mine`), null)
  t.equal(await cacheControl(`${urlOf(app)}/tom/id`), 'no-store')
})
