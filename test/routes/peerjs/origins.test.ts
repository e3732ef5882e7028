import t from 'tap'
import { buildOnly, connect, refusal, urlOf } from '../../helper.js'
import { join, pathOf } from './join.js'

const build = buildOnly('peerjs')

const ours = 'https://app.example.com'
const paths = ['/', '/peerjs/id', '/peerjs/health']

t.test('by default any origin is reflected, so that any page may ask', async (t) => {
  const app = await build(t)
  for (const path of paths) {
    const { status, headers } = await fetch(urlOf(app) + path, { headers: { origin: ours } })
    t.equal(status, 200, path)
    t.equal(headers.get('access-control-allow-origin'), ours, path)
  }
  const socket = await connect(t, app, pathOf('alice'), { origin: ours })
  t.same(await socket.next(), { type: 'OPEN' })
})

t.test('a 401 carries the CORS header too, so that the client can tell why', async (t) => {
  const app = await build(t)
  for (const path of ['/peerjs/peers', '/wrong/id']) {
    const { status, headers } = await fetch(urlOf(app) + path, { headers: { origin: ours } })
    t.equal(status, 401, path)
    t.equal(headers.get('access-control-allow-origin'), ours, path)
  }
})

t.test('ALLOWED_ORIGINS restricts REST and the socket, and lets in what is not a browser', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS: ours })
  const theirs = 'https://evil.example'
  for (const path of paths) {
    const allowed = await fetch(urlOf(app) + path, { headers: { origin: ours } })
    t.equal(allowed.headers.get('access-control-allow-origin'), ours, path)
    const refused = await fetch(urlOf(app) + path, { headers: { origin: theirs } })
    t.equal(refused.status, 403, path)
    t.equal(refused.headers.get('access-control-allow-origin'), null, path)
  }
  t.equal((await refusal(t, app, pathOf('alice'), { origin: theirs })).status, 403)
  await join(t, app, 'alice')
})
