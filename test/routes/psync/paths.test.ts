import t from 'tap'
import { buildOnly, refusal, urlOf } from '../../helper.js'
import { join, news, othersOf } from './members.js'

const build = buildOnly('psync')

t.test('it is spoken at /psync/ws and at /ws, with or without a trailing slash, over the same peers', async (t) => {
  const app = await build(t)
  const paths = ['/psync/ws', '/psync/ws/', '/ws', '/ws/']
  const alice = await join(t, app, 'a')
  for (const path of paths) {
    const peer = await join(t, app, path, { path })
    await news(alice, peer, path)
    await news(peer, alice, 'a')
  }
  t.same(await othersOf(alice, 'a'), paths)
})

t.test('/psync itself is no socket', async (t) => {
  const app = await build(t)
  t.equal((await refusal(t, app, '/psync')).status, 404)
})

t.test('without this dialect neither path is there', async (t) => {
  const app = await build(t, { DIALECTS: 'tom' })
  for (const path of ['/psync/ws', '/ws']) t.equal((await refusal(t, app, path)).status, 404, path)
})

t.test('a client of the original, which connects to the bare root or to a native listener, meets the others', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'psync:0' })
  const port = app.nativePorts[0] ?? 0
  await join(t, app, 'a')
  const bob = await join(t, app, 'b', { path: '/' })
  const carol = await join(t, port, 'c', { path: '/ws' })
  t.same(await othersOf(carol, 'c'), ['a', 'b'])
  await news(carol, bob, 'b')
})

t.test('a native listener answers at the paths of the original and at no other', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'psync:0' })
  const port = app.nativePorts[0] ?? 0
  const health = await fetch(`${urlOf(port)}/health`)
  t.same([health.status, await health.text()], [200, 'OK'])
  for (const path of ['/', '/psync/health', '/psync/id', '/ready', '/peers']) {
    t.equal((await fetch(urlOf(port) + path)).status, 404, path)
  }
  for (const path of ['/', '/psync/ws', '/tom']) t.equal((await refusal(t, port, path)).status, 404, path)
})
