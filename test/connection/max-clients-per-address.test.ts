import t from 'tap'
import { build, connect } from '../helper.js'

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

t.test('one address has so many sockets, and its neighbours have theirs', async (t) => {
  const app = await build(t, { MAX_CLIENTS_PER_ADDRESS: '2', TRUST_PROXY: 'true' })
  const first = await connect(t, app, '/tom', from('192.0.2.1'))
  await connect(t, app, '/rooms', from('192.0.2.1'))
  const third = await connect(t, app, '/drone', from('192.0.2.1'))
  t.same(await third.closed, { code: 1013, reason: 'Try again later' })
  const neighbour = await connect(t, app, '/drone', from('192.0.2.2'))
  neighbour.send({ type: 'ping' })
  t.match(await neighbour.next(), { type: 'pong' })

  await first.close()
  const again = await connect(t, app, '/drone', from('192.0.2.1'))
  again.send({ type: 'ping' })
  t.match(await again.next(), { type: 'pong' }, 'who leaves makes a place')
})

t.test('the addresses of one IPv6 network are one client', async (t) => {
  const app = await build(t, { MAX_CLIENTS_PER_ADDRESS: '1', TRUST_PROXY: 'true' })
  await connect(t, app, '/drone', from('2001:db8:1:2::1'))
  t.equal((await (await connect(t, app, '/drone', from('2001:db8:1:2:ffff::9'))).closed).code, 1013)
  const other = await connect(t, app, '/drone', from('2001:db8:1:3::1'))
  other.send({ type: 'ping' })
  t.match(await other.next(), { type: 'pong' })
})

t.test('without the setting nobody counts addresses', async (t) => {
  const app = await build(t, { TRUST_PROXY: 'true' })
  for (let at = 0; at < 20; at++) await connect(t, app, '/drone', from('192.0.2.1'))
  t.equal(app.signalbox.connections.size, 20)
})
