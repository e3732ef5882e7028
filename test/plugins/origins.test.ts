import t from 'tap'
import { build, connect, refusal, urlOf } from '../helper.js'

const sockets = ['/', '/tom', '/rooms', '/psync/ws', '/ws', '/drone', '/peerjs?key=peerjs&id=a&token=b']

t.test('by default every origin is let in, and reflected', async (t) => {
  const app = await build(t)
  for (const path of sockets) await connect(t, app, path, { origin: 'https://anybody.test' })
  const response = await fetch(`${urlOf(app)}/peerjs/id`, { headers: { origin: 'https://anybody.test' } })
  t.equal(response.status, 200)
  t.equal(response.headers.get('access-control-allow-origin'), 'https://anybody.test')
  t.match(response.headers.get('vary'), /origin/i)
})

t.test('with ALLOWED_ORIGINS the others are refused with 403, before the upgrade and without CORS headers', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://example.com, https://*.example.org' })
  for (const origin of ['https://example.com', 'https://a.b.example.org']) {
    for (const path of sockets) await connect(t, app, path, { origin })
    const response = await fetch(`${urlOf(app)}/tom/id`, { headers: { origin } })
    t.equal(response.status, 200)
    t.equal(response.headers.get('access-control-allow-origin'), origin)
  }
  for (const origin of [
    'https://evil.test', 'https://example.org', 'https://evilexample.org', 'https://example.com.evil.test',
    'http://example.com', 'null'
  ]) {
    for (const path of sockets) t.equal((await refusal(t, app, path, { origin })).status, 403, `${origin} on ${path}`)
    for (const path of ['/', '/health', '/ready', '/tom/id', '/peerjs/peers', '/psync/health', '/openapi.json']) {
      const response = await fetch(urlOf(app) + path, { headers: { origin } })
      t.equal(response.status, 403, `${origin} on ${path}`)
      t.equal(response.headers.get('access-control-allow-origin'), null)
    }
  }
})

t.test('who sends no Origin is no browser and is let in', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://example.com' })
  for (const path of sockets) await connect(t, app, path)
  t.equal((await fetch(`${urlOf(app)}/tom/id`)).status, 200)
})

t.test('a preflight is answered for an allowed origin only', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://example.com' })
  const preflight = async (origin: string) => await fetch(`${urlOf(app)}/peerjs/id`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
  })
  const allowed = await preflight('https://example.com')
  t.equal(allowed.status, 204)
  t.equal(allowed.headers.get('access-control-allow-origin'), 'https://example.com')
  t.match(allowed.headers.get('access-control-allow-methods'), /GET/)
  t.match(allowed.headers.get('access-control-allow-headers'), /authorization/i)
  const refused = await preflight('https://evil.test')
  t.equal(refused.status, 403)
  for (const name of refused.headers.keys()) t.notMatch(name, /^access-control-/)
})

t.test('a refused origin costs nobody a handshake', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: 'https://example.com', CONNECT_RATE: '1' })
  for (let attempt = 0; attempt < 3; attempt++) t.equal((await refusal(t, app, '/tom', { origin: 'https://evil.test' })).status, 403)
  await connect(t, app, '/tom', { origin: 'https://example.com' })
})
