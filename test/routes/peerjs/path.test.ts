import t from 'tap'
import { buildOnly, connect, refusal, urlOf } from '../../helper.js'
import { join, pathOf, received } from './join.js'

const build = buildOnly('peerjs')

for (const PEERJS_PATH of ['/my/app', '/my/app/']) {
  t.test(`PEERJS_PATH=${PEERJS_PATH} prefixes all paths`, async (t) => {
    const app = await build(t, { PEERJS_PATH, ALLOW_DISCOVERY: 'true' })
    const base = '/my/app'
    const url = urlOf(app) + base
    for (const banner of [url, `${url}/`]) t.match(await (await fetch(banner)).json(), { name: 'PeerJS Server' }, banner)
    t.match(await (await fetch(`${url}/peerjs/id`)).text(), /^[0-9a-f-]{36}$/)
    t.equal((await fetch(`${url}/wrong/id`)).status, 401)
    t.same(await (await fetch(`${url}/peerjs/health`)).json(), { status: 'ok' })

    const alice = await join(t, app, 'alice', { base })
    t.same(await (await fetch(`${url}/peerjs/peers`)).json(), ['alice'])
    const bob = await join(t, app, 'bob', { base })
    alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
    t.same(await bob.next(), { type: 'OFFER', src: 'alice', dst: 'bob', payload: 1 })
  })
}

t.test('with a PEERJS_PATH, nothing of PeerJS is at the root', async (t) => {
  const app = await build(t, { PEERJS_PATH: '/my/app' })
  for (const path of ['/', '/peerjs/id', '/peerjs/health', '/peerjs']) t.equal((await fetch(urlOf(app) + path)).status, 404, path)
  t.equal((await refusal(t, app, pathOf('alice'))).status, 404)
})

t.test('a trailing slash on the socket’s path is accepted', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/peerjs/?key=peerjs&id=alice&token=t')
  t.same(await alice.next(), { type: 'OPEN' })
  t.same(await received(alice, 'alice'), [])
})

t.test('GET /info gives the URL of a client with the prefix and a key that is let in', async (t) => {
  for (const [env, url] of [
    [{}, '/peerjs?key=peerjs&id=alice&token=t'],
    [{ PEERJS_PATH: '/myapp', PEERJS_KEY: 'ours,theirs' }, '/myapp/peerjs?key=ours&id=alice&token=t']
  ] as const) {
    const { dialects } = await (await fetch(`${urlOf(await build(t, env))}/info`)).json() as { dialects: unknown }
    t.match(dialects, [{ name: 'peerjs', url }])
  }
})
