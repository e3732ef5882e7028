import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import t from 'tap'
import { WebSocket } from 'ws'
import { secret, tokenFor } from '../auth/tokens.js'
import { Client, connect, refusal, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { collect, type Span } from './collector.js'

/** What a span says of its request. */
const told = ({ name, attributes }: Span) => [name, attributes['url.path'], attributes['http.response.status_code']]

t.test('each request and each handshake makes one span, with its route and its outcome', async (t) => {
  const { env, paths, spans } = await collect(t)
  const { port } = await start(t, { ...env, ALLOWED_ORIGINS: 'https://a.test', CONNECT_RATE: '4' })
  for (const path of ['/health', '/tom/peers', '/wrong/peers', '/nope']) await (await fetch(urlOf(port) + path)).text()
  await (await fetch(`${urlOf(port)}/health`, { headers: { origin: 'https://b.test' } })).text()
  for (const path of ['/tom', '/', '/peerjs?key=peerjs&id=a&token=t']) await connect(t, port, path)
  await refusal(t, port, '/tom', { origin: 'https://b.test' })
  await refusal(t, port, '/health')
  // What is no handshake.
  const socket = connectTcp(port, '127.0.0.1').resume()
  socket.write('GET /drone HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n')
  await once(socket, 'close')
  await refusal(t, port, '/rooms')

  const expected = [
    ['GET /health', '/health', '200'],
    ['GET /tom/peers', '/tom/peers', '401'],
    ['GET /:key/peers', '/wrong/peers', '401'],
    ['GET /health', '/health', '403'],
    ['GET /tom', '/tom', '101'],
    ['GET /', '/', '101'],
    ['GET /peerjs', '/peerjs', '101'],
    ['GET /tom', '/tom', '403'],
    ['GET /health', '/health', '404'],
    ['GET', '/nope', '404'],
    ['GET /drone', '/drone', '400'],
    ['GET /rooms', '/rooms', '429']
  ]
  await until(() => spans.length >= expected.length)
  t.same(spans.map(told).sort(), expected.sort())
  for (const { kind, resource } of spans) {
    t.equal(kind, 2, 'a server’s')
    t.match(resource, { 'service.name': 'signalbox', 'service.version': /^\d/ })
  }
  t.same([...new Set(paths)], ['/v1/traces'])
})

t.test('neither a query nor a token nor a secret is exported', async (t) => {
  const { env, spans, text } = await collect(t)
  const settings = { ...env, CONNECT_RATE: '30', OTEL_NODE_RESOURCE_DETECTORS: 'all' }
  const { port, child, exited, output } = await start(t, settings, ['--jwt-secret', secret])
  const token = tokenFor({ sub: 'alice' })
  const queries = [
    `token=${token}`,
    `access_token=${token}`,
    `token=${token}&x=hunter2`,
    `token=hunter2&token=${token}`,
    'hunter2',
    '?hunter2'
  ]
  const headers = { authorization: `Bearer ${token}`, cookie: 'hunter2', baggage: 'hunter2=hunter2', tracestate: 'hunter2=hunter2' }
  for (const query of queries) {
    for (const path of ['/', '/health', '/ice-servers', '/tom/peers', '/wrong/peers', '/tom', '/nope', '/%zz']) {
      await (await fetch(`${urlOf(port)}${path}?${query}`, { headers })).text()
    }
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"hunter2' }
    await (await fetch(`${urlOf(port)}/tom/id?${query}`, post)).text()
    await refusal(t, port, `/health?${query}`)
  }
  await connect(t, port, `/peerjs?key=peerjs&id=alice&token=${token}`)
  const byProtocol = new Client(new WebSocket(`${urlOf(port).replace('http', 'ws')}/tom`, ['signalbox.jwt', token]))
  await once(byProtocol.socket, 'open')
  for (const client of [byProtocol, await connect(t, port, `/tom?token=${token}`)]) {
    client.send({ type: 'auth', token })
    t.same(await client.next(), { type: 'auth', ok: true })
  }
  while ((await fetch(`${urlOf(port)}/tom/id?token=${token}`)).status !== 429);
  child.kill('SIGTERM')
  await exited
  t.ok(spans.some((span) => told(span).at(-1) === '429') && spans.length > 30, `${spans.length} spans`)
  const exported = text()
  for (const part of [token, ...token.split('.').slice(1), secret, 'hunter2']) t.notOk(exported.includes(part), `no ${part}`)
  t.notOk(output.stdout.includes('hunter2') || output.stdout.includes(token))
})

t.test('sockets talk as ever, and what they say makes no span', async (t) => {
  const { env, spans } = await collect(t)
  const { port } = await start(t, env)
  const [a, b] = await Promise.all([connect(t, port, '/drone'), connect(t, port, '/')])
  for (const [client, id] of [[a, 'a'], [b, 'b']] as const) {
    client.send({ type: 'register', id })
    t.match(await client.next(), { type: 'registered', id })
  }
  for (let at = 0; at < 100; at++) {
    a.send({ type: 'offer', target: 'b', sdp: `offer ${at}` })
    t.match(await b.next(), { type: 'offer', from: 'a', sdp: `offer ${at}` })
  }
  await a.close()
  await fetch(`${urlOf(port)}/ready`)
  await until(() => spans.some(({ name }) => name === 'GET /ready'))
  t.same(spans.map(told).sort(), [['GET /', '/', '101'], ['GET /drone', '/drone', '101'], ['GET /ready', '/ready', '200']])

  const [trace, parent] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const headers = { traceparent: `00-${trace}-${parent}-01` }
  await fetch(`${urlOf(port)}/health`, { headers })
  await connect(t, port, '/tom', { headers })
  const ofCaller = () => spans.filter(({ traceId, parentSpanId }) => traceId === trace && parentSpanId === parent).map(({ name }) => name)
  await until(() => ofCaller().length === 2)
  t.same(ofCaller().sort(), ['GET /health', 'GET /tom'], 'a span belongs to the trace of its caller')
})

t.test('the variables of the SDK count', async (t) => {
  const { env, spans } = await collect(t)
  const { port, child, exited } = await start(t, {
    ...env,
    OTEL_SERVICE_NAME: 'ours',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.instance.id=one',
    OTEL_FASTIFY_IGNORE_PATHS: '/{health,metrics}'
  })
  for (const path of ['/health', '/ready']) await fetch(urlOf(port) + path)
  child.kill('SIGTERM')
  await exited
  t.same(spans.map(({ name }) => name), ['GET /ready'])
  t.match(spans[0]?.resource, { 'service.name': 'ours', 'deployment.environment.name': 'test', 'service.instance.id': 'one' })

  const none = await start(t, { ...env, OTEL_TRACES_SAMPLER: 'always_off' })
  await fetch(`${urlOf(none.port)}/ready`)
  await connect(t, none.port, '/tom')
  none.child.kill('SIGTERM')
  t.equal(await none.exited, 0)
  t.equal(spans.length, 1)
})
