import t from 'tap'
import { build, connect, refusal, urlOf } from '../helper.js'

t.test('handshakes above CONNECT_RATE are refused with 429 before the upgrade, by address', async (t) => {
  const app = await build(t, { CONNECT_RATE: '3' })
  for (const path of ['/tom', '/', '/drone']) await connect(t, app, path)
  const { status, headers } = await refusal(t, app, '/tom')
  t.equal(status, 429)
  t.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 90, `retry-after ${String(headers['retry-after'])}`)
  t.equal((await refusal(t, app, '/rooms')).status, 429, 'on every path')
  await connect(t, app, '/tom', { localAddress: '127.0.0.2' })
})

t.test('REST calls above CONNECT_RATE are refused with 429, counted apart from handshakes', async (t) => {
  const app = await build(t, { CONNECT_RATE: '2' })
  const get = async (path: string) => await fetch(urlOf(app) + path)
  t.equal((await get('/tom/id')).status, 200)
  t.equal((await get('/peerjs/id')).status, 200)
  const refused = await get('/rooms/peers')
  t.equal(refused.status, 429)
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  for (let handshake = 0; handshake < 2; handshake++) await connect(t, app, '/tom')
  t.equal((await refusal(t, app, '/tom')).status, 429)
})

t.test('health checks are not counted', async (t) => {
  const app = await build(t, { CONNECT_RATE: '1' })
  for (const path of ['/health', '/ready', '/tom/health', '/health', '/tom/health']) t.equal((await fetch(urlOf(app) + path)).status, 200)
})

t.test('X-Forwarded-For says who a client is only where the proxy is trusted', async (t) => {
  const from = (address: string, localAddress = '127.0.0.1') => ({ headers: { 'x-forwarded-for': address }, localAddress })

  const wary = await build(t, { CONNECT_RATE: '1' })
  await connect(t, wary, '/tom', from('192.0.2.1'))
  t.equal((await refusal(t, wary, '/tom', from('192.0.2.2'))).status, 429, 'not by default')

  const trusting = await build(t, { CONNECT_RATE: '1', TRUST_PROXY: 'true' })
  await connect(t, trusting, '/tom', from('192.0.2.1'))
  await connect(t, trusting, '/tom', from('192.0.2.2'))
  t.equal((await refusal(t, trusting, '/tom', from('192.0.2.1'))).status, 429)

  const choosy = await build(t, { CONNECT_RATE: '1', TRUST_PROXY: '127.0.0.2, 10.0.0.0/8' })
  await connect(t, choosy, '/tom', from('192.0.2.1', '127.0.0.2'))
  await connect(t, choosy, '/tom', from('192.0.2.2', '127.0.0.2'))
  t.equal((await refusal(t, choosy, '/tom', from('192.0.2.1', '127.0.0.2'))).status, 429)
  await connect(t, choosy, '/tom', from('192.0.2.3', '127.0.0.1'))
  t.equal((await refusal(t, choosy, '/tom', from('192.0.2.4', '127.0.0.1'))).status, 429, 'another address is no proxy')
  t.equal(
    (await refusal(t, choosy, '/tom', from('192.0.2.1, 10.1.2.3', '127.0.0.2'))).status,
    429,
    'a chain is followed as far as it is trusted'
  )
})
