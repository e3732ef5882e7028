import { on } from 'node:events'
import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { error, join, news, newsUnregistered } from './nodes.js'

const build = buildOnly('tom')

t.test('a signal from somebody else is refused and not forwarded', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const mallory = await join(t, app, 'm')
  mallory.send({ type: 'signal', from: 'b', to: 'a', payload: 1 })
  t.same(await mallory.nextOf('error'), error('from does not match the registered nodeId'))
  t.match(await news(mallory, ['m', 'a'], alice), [{ type: 'presence' }])
})

t.test('a signal from an unregistered socket is refused and not forwarded', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const stranger = await connect(t, app, '/tom')
  stranger.send({ type: 'signal', from: 'a', to: 'a', payload: 1 })
  t.same(await newsUnregistered(stranger), [error('not registered')])
  t.same(await news(alice, ['a', 'a'], alice), [])
})

t.test('with STRICT_IDENTITY=false a signal may name another sender, as with the original', async (t) => {
  const app = await build(t, { STRICT_IDENTITY: 'false' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  bob.send({ type: 'signal', from: 'carol', to: 'a', payload: 1 })
  t.same(await alice.nextOf('signal'), { type: 'signal', from: 'carol', to: 'a', payload: 1 })
})

t.test('with STRICT_IDENTITY=false an unregistered socket may send signals, but assigns no roles', async (t) => {
  const app = await build(t, { STRICT_IDENTITY: 'false' })
  const alice = await join(t, app, 'a')
  const stranger = await connect(t, app, '/tom')
  stranger.send({ type: 'role-assign', nodeId: 'a', roles: ['relay'] })
  t.same(await stranger.next(), error('not registered'))
  stranger.send({ type: 'signal', from: 's', to: 'absent', payload: 1 })
  t.same(await stranger.next(), error('peer not found'))
  stranger.send({ type: 'signal', from: 's', to: 'a', payload: 1 })
  t.same(await alice.next(), { type: 'signal', from: 's', to: 'a', payload: 1 })
})

t.test('a signal that names its sender twice is forwarded naming the checked one only', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const mallory = await join(t, app, 'm')
  for (const forged of ['"from":"victim"', '"fr\\u006fm":"victim"']) {
    const signals = (async () => {
      for await (const [data] of on(alice.socket, 'message')) if (String(data).includes('"signal"')) return String(data)
    })()
    mallory.send(`{"type":"signal",${forged},"from":"m","to":"a","payload":1}`)
    const text = await signals
    t.notMatch(text, 'victim')
    t.match(JSON.parse(text ?? ''), { from: 'm', to: 'a', payload: 1 })
  }
})
