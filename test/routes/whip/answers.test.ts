import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { defaultTimeouts } from '../../../src/listener/timeouts.js'
import { createService } from '../../../src/service.js'
import { readConfig } from '../../../src/settings.js'
import { bearing, withSecret } from '../../auth/tokens.js'
import { peerjsFrames, peerOf, quiet } from '../../bridge/ends.js'
import { nodesOn } from '../../cluster/nodes.js'
import { askRaw } from '../../field/raw-http.js'
import { build, type Env, until } from '../../helper.js'
import { answer, ask, type Asked, fragment, offer, patch, post, sdp, sdpfrag, sessionOf, viewing } from './caller.js'

t.jobs = 4

const settings: Env = { DIALECTS: 'peerjs,drone,whip,whep', BRIDGE: 'whip-peerjs,whep-drone' }
const page = '/whip/peerjs:alice'
const someSession = `${page}/${'x'.repeat(22)}.${'y'.repeat(11)}`

t.test('a request that cannot be a call, or be of a session, is answered with its fault', async (t) => {
  const app = await build(t, settings)
  await peerOf(t, app, 'peerjs', 'alice')
  const cases: ReadonlyArray<[status: number, error: string | undefined, method: string, path: string, asked?: Asked]> = [
    [400, 'Not a session description', 'POST', page, { type: sdp, body: 'hello' }],
    [400, 'Not a session description', 'POST', page, { type: sdp, body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n' }],
    [400, 'Not a session description', 'POST', page, { type: sdp, body: Buffer.from(`${offer}\xff`, 'latin1') }],
    [400, 'Not a session description', 'POST', page],
    [413, undefined, 'POST', page, { type: sdp, body: offer + 'a=x\r\n'.repeat(20_000) }],
    [415, undefined, 'POST', page, { type: 'application/json', body: '{}' }],
    [415, undefined, 'POST', page, { type: sdpfrag, body: offer }],
    [422, 'The direction of the media does not fit', 'POST', page, { type: sdp, body: viewing }],
    [422, 'The direction of the media does not fit', 'POST', '/whep/drone:d', { type: sdp, body: offer }],
    [422, 'Cannot be passed to another dialect', 'POST', page, {
      type: sdp, body: 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n'
    }],
    [404, 'Nobody has that name, or may be called', 'POST', '/whip/peerjs:bob', { type: sdp, body: offer }],
    [404, 'Nobody has that name, or may be called', 'POST', '/whip/alice', { type: sdp, body: offer }],
    [404, 'Nobody has that name, or may be called', 'POST', '/whip/health', { type: sdp, body: offer }],
    [405, 'Method not allowed', 'PUT', page, { type: sdp, body: offer }],
    [405, 'Method not allowed', 'PATCH', page, { type: sdpfrag, body: fragment() }],
    [405, 'Method not allowed', 'DELETE', page],
    [405, 'Method not allowed', 'POST', someSession, { type: sdp, body: offer }],
    [405, 'Method not allowed', 'PUT', someSession],
    [400, 'Not an SDP fragment', 'PATCH', someSession, { type: sdpfrag, body: 'hello' }],
    [400, 'Not an SDP fragment', 'PATCH', someSession, { type: sdpfrag, body: fragment(...Array(257).fill('a=candidate:1')) }],
    [413, undefined, 'PATCH', someSession, { type: sdpfrag, body: fragment(...Array(20_000).fill('a=x')) }],
    [415, undefined, 'PATCH', someSession, { type: sdp, body: offer }],
    [428, 'Neither If-Match nor ice-ufrag names the ICE session', 'PATCH', someSession, { type: sdpfrag, body: 'a=candidate:1\r\n' }],
    [404, 'There is no such session', 'PATCH', someSession, {
      type: sdpfrag, body: 'a=candidate:1\r\n', headers: { 'if-match': `"${'y'.repeat(11)}"` }
    }],
    [404, 'There is no such session', 'DELETE', someSession]
  ]
  for (const [status, error, method, path, asked] of cases) {
    const { body, headers, ...answered } = await ask(app, method, path, asked)
    t.equal(answered.status, status, `${method} ${path}: ${error ?? status}`)
    if (error !== undefined) t.same(JSON.parse(body), { error })
    const allowed = path === page ? 'POST' : 'PATCH, DELETE'
    if (status === 405) t.equal(headers.get('allow'), `${allowed}, OPTIONS, GET, HEAD`)
    if (status === 415) t.equal(headers.get(path === page ? 'accept-post' : 'accept-patch'), path === page ? sdp : sdpfrag)
  }
  t.equal(app.state.peers.here('whip').length, 0, 'nothing is left')
})

t.test('an ICE session is named by its entity tag, or by the ufrag of the offer; a restart is refused, and it stays', async (t) => {
  const app = await build(t, settings)
  const alice = await peerOf(t, app, 'peerjs', 'alice')
  const called = post(app, page)
  const { src, payload } = await alice.next() as { src: string, payload: { connectionId: string } }
  alice.send(peerjsFrames.answer(src, payload.connectionId, answer))
  const answered = await called
  const [session, etag] = [sessionOf(answered), answered.headers.get('etag') ?? '']
  const [same, restarted] = [fragment('a=candidate:1'), fragment('a=candidate:2').replace('EsAw', 'new1')]
  const unnamed = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:3\r\n'
  for (const [status, body, match] of [
    [204, same], [204, same, etag], [204, same, '*'], [204, same, `"other", ${etag}`], [204, unnamed, etag], [204, unnamed, '*'],
    [204, fragment(), etag], [428, unnamed], [412, same, '"other"'], [412, same, `W/${etag}`], [412, restarted, '"other"'],
    [422, restarted], [422, restarted, '*'], [422, restarted, etag]
  ] as ReadonlyArray<[number, string, string?]>) {
    const { status: got, body: text, headers } = await patch(app, session, body, match === undefined ? {} : { 'if-match': match })
    t.equal(got, status, `${match} with ${body.split('\r\n')[0]}`)
    if (status === 204) t.same([text, headers.get('etag')], ['', null])
  }
  t.same((await quiet(alice, 'peerjs')).map(({ type }) => type), Array(6).fill('CANDIDATE'), 'refused ones are not passed on')
  t.equal((await ask(app, 'DELETE', session, { headers: { 'if-match': '"ignored"' } })).status, 200)
})

t.test('OPTIONS says what is taken, to pages too, and names the ICE servers to whoever asks for itself', async (t) => {
  const env = { ...settings, STUN_URLS: 'stun:stun.test:1', ALLOWED_ORIGINS: 'https://ours.test' }
  const app = await build(t, env)
  const headers = { origin: 'https://ours.test' }
  for (const [path, accept, type] of [[page, 'accept-post', sdp], [someSession, 'accept-patch', sdpfrag]] as const) {
    const preflight = await ask(app, 'OPTIONS', path, {
      headers: {
        ...headers,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,if-match,content-type'
      }
    })
    t.equal(preflight.status, 200)
    t.equal(preflight.headers.get(accept), type)
    t.equal(preflight.headers.get('access-control-allow-origin'), 'https://ours.test')
    t.match(preflight.headers.get('access-control-allow-methods'), /POST, PATCH, DELETE/)
    t.equal(preflight.headers.get('access-control-allow-headers'), 'authorization,if-match,content-type')
    t.equal(preflight.headers.get('link'), null)
  }
  const asked = await ask(app, 'OPTIONS', page, { headers })
  t.equal(asked.headers.get('link'), '<stun:stun.test:1>; rel="ice-server"')
  const exposed = asked.headers.get('access-control-expose-headers') ?? ''
  for (const name of ['Location', 'Link', 'ETag', 'Accept-Patch', 'Access-Control-Allow-Methods']) t.match(exposed, name)
  const refused = await post(app, page, offer, { headers: { origin: 'https://others.test' } })
  t.same([refused.status, refused.headers.get('access-control-allow-origin')], [403, null])

  const guarded = await build(t, { ...env, ...withSecret })
  t.equal((await ask(guarded, 'OPTIONS', page)).headers.get('link'), null)
  t.match((await ask(guarded, 'OPTIONS', page, bearing({ sub: 'p' }))).headers.get('link'), 'stun:')
})

t.test('GET has nothing to show, and HEAD says what can be sent', async (t) => {
  const app = await build(t, settings)
  for (const path of [page, `${page}/`, someSession]) {
    t.match(await ask(app, 'GET', path), { status: 204, body: '' }, path)
    const { status, headers } = await ask(app, 'HEAD', path)
    t.same([status, headers.get('content-type')], [200, sdp])
  }
  t.match(await ask(app, 'GET', '/whip/health'), { status: 200, body: '{"status":"ok"}' })
  t.equal((await ask(app, 'GET', '/whep/peers')).status, 401)
})

t.test('without BRIDGE, and for a pair that is not listed, a target is answered exactly as one that nobody has', async (t) => {
  const comparable = ({ status, body, headers }: Awaited<ReturnType<typeof ask>>) =>
    ({ status, body, headers: [...headers].filter(([name]) => !/^(date|x-ratelimit)/.test(name)) })
  for (const BRIDGE of [undefined, 'peerjs-drone', 'whep-peerjs,whip-drone', 'peerjs>whip']) {
    const app = await build(t, { DIALECTS: settings.DIALECTS ?? '', ...(BRIDGE !== undefined && { BRIDGE }) })
    const alice = await peerOf(t, app, 'peerjs', 'alice')
    const absent = comparable(await post(app, '/whip/peerjs:bob'))
    t.equal(absent.status, 404)
    t.same(comparable(await post(app, page)), absent, BRIDGE ?? 'none')
    t.same(await quiet(alice, 'peerjs'), [])
  }
})

t.test('whip and whep are off unless DIALECTS names them', async (t) => {
  const app = await build(t)
  t.equal((await post(app, page)).status, 404)
  t.equal((await ask(app, 'OPTIONS', page)).headers.get('accept-post'), null)
  await t.rejects(build(t, { BRIDGE: 'whip-peerjs' }), { message: /^BRIDGE: invalid value "whip-peerjs"/ })
})

t.test('with auth, the token of the publisher and that of who is called are asked, and a session is its publisher’s alone', async (t) => {
  const app = await build(t, { ...settings, ...withSecret })
  const alice = await peerOf(t, app, 'peerjs', 'alice', bearing({ sub: 'alice' }))
  await peerOf(t, app, 'peerjs', 'shut', bearing({ sub: 'shut', bridge: ['drone'] }))
  const publisher = bearing({ sub: 'p', bridge: ['peerjs'] })

  const unknown = await post(app, page)
  t.same([unknown.status, unknown.headers.get('www-authenticate')], [401, 'Bearer'])
  for (const [why, path, claims] of [
    ['no claim', page, { sub: 'p' }], ['another dialect', page, { sub: 'p', bridge: ['peerjs'], dialects: ['whep'] }],
    ['the other’s claim', '/whip/peerjs:shut', { sub: 'p', bridge: ['peerjs'] }]
  ] as const) {
    const refused = await post(app, path, offer, bearing(claims))
    t.same([refused.status, refused.body], [403, '{"error":"not allowed"}'], why)
    t.equal(refused.headers.get('www-authenticate'), 'Bearer error="insufficient_scope"')
  }

  const called = post(app, page, offer, publisher)
  const { src, payload } = await alice.nextOf('OFFER') as unknown as { src: string, payload: { connectionId: string } }
  alice.send(peerjsFrames.answer(src, payload.connectionId, answer))
  const session = sessionOf(await called)
  for (const method of ['PATCH', 'DELETE']) {
    const asked = method === 'PATCH' ? { type: sdpfrag, body: fragment('a=candidate:1') } : {}
    t.equal((await ask(app, method, session, asked)).status, 401)
    t.equal((await ask(app, method, session, { ...asked, ...bearing({ sub: 'q', bridge: ['peerjs'] }) })).status, 404, 'another’s')
  }
  t.same(await quiet(alice, 'peerjs'), [])
  t.equal((await ask(app, 'DELETE', session, bearing({ sub: 'p', iat: 1 }))).status, 200, 'with a fresh token, too')
  t.same(await alice.next(), { type: 'LEAVE', src, dst: 'alice' })
})

t.test('a publisher that sends its offer too slowly gets 408, and holds nothing', async (t) => {
  const timeouts = { ...defaultTimeouts, headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 20 }
  const app = createService(readConfig({ ...settings, HOST: '127.0.0.1', LOG_LEVEL: 'silent' }, []), { timeouts })
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const lines = [`POST ${page} HTTP/1.1`, 'host: a', `content-type: ${sdp}`, 'content-length: 1000', '', 'v=0']
  t.equal((await askRaw(t, port, lines)).status, 408)
  t.equal(app.state.peers.here('whip').length, 0)
})

t.test('publishers that ask by the hundred and go away leave nothing', async (t) => {
  const app = await build(t, settings)
  const alice = await peerOf(t, app, 'peerjs', 'alice')
  const client = new AbortController()
  const calls = Array.from({ length: 300 }, async () => await post(app, page, offer, { signal: client.signal }))
  for (let call = 0; call < calls.length; call++) await alice.nextOf('OFFER')
  t.equal(app.state.peers.here('whip').length, 300)
  client.abort()
  t.ok((await Promise.allSettled(calls)).every(({ status }) => status === 'rejected'))
  for (let call = 0; call < calls.length; call++) await alice.nextOf('LEAVE')
  await until(() => app.state.peers.here('whip').length === 0)
})

t.test('while Redis is away, nobody can know who is elsewhere: 503, and peers of this node are reached', async (t) => {
  const { redis, apps: [app] } = await nodesOn(t, 1, settings)
  const node = app as FastifyInstance
  const alice = await peerOf(t, node, 'peerjs', 'alice')
  redis.process.kill('SIGKILL')
  await until(() => !node.state.isReady)
  const refused = await post(node, '/whip/peerjs:bob')
  t.same([refused.status, JSON.parse(refused.body)], [503, { error: 'Other nodes cannot be reached' }])
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  t.equal((await ask(node, 'DELETE', someSession)).status, 503)
  const called = post(node, page)
  const { src, payload } = await alice.nextOf('OFFER') as unknown as { src: string, payload: { connectionId: string } }
  alice.send(peerjsFrames.answer(src, payload.connectionId, answer))
  t.equal((await called).status, 201)
})

t.test('a native listener has the paths of whip alone, with CORS for all methods', async (t) => {
  const app = await build(t, { ...settings, NATIVE_PORTS: 'whip:0' })
  const [port = 0] = app.nativePorts
  t.equal((await post(port, '/whip/peerjs:bob')).status, 404)
  t.equal((await post(port, '/peerjs/peers')).status, 404)
  const preflight = await ask(port, 'OPTIONS', page, { headers: { origin: 'https://a.test', 'access-control-request-method': 'PATCH' } })
  t.match(preflight.headers.get('access-control-allow-methods'), /PATCH/)
})
