import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, connect, type Env, type Frame, urlOf } from '../helper.js'
import { nodesOn } from '../cluster/nodes.js'
import { clients } from '../../src/testing/clients.js'
import { answered, channels, peerjsFrames, peerOf, pictures, quiet } from './ends.js'

/** What a client of each dialect sends to a target, and what tells it that nobody is there. */
const callers = {
  peerjs: {
    frames: (target: string) => [
      peerjsFrames.offer(target), peerjsFrames.candidate(target, 'mc_1', 1), peerjsFrames.answer(target, 'mc_1'),
      { type: 'LEAVE', dst: target }
    ],
    answers: 1
  },
  drone: {
    frames: (target: string) => [
      { type: 'offer', target, sdp: pictures }, { type: 'ice', target, candidate: null }, { type: 'answer', target, sdp: answered }
    ],
    answers: 3
  },
  psync: {
    frames: (target: string) => [
      { type: 'offer', source_id: 'me', target_id: target, payload: { sdp: channels } },
      { type: 'answer', source_id: 'me', target_id: target, payload: { sdp: channels } },
      { type: 'candidate', source_id: 'me', target_id: target, payload: { candidate: 'candidate:1' } }
    ],
    answers: 3
  },
  tom: {
    frames: (target: string) => [{ type: 'signal', from: 'me', to: target, payload: 1 }],
    answers: 1
  }
}

type Caller = keyof typeof callers

/** How a client's frames to a target are answered, with the target's name left out. */
async function answersTo (t: Test, app: FastifyInstance, name: Caller, target: string): Promise<unknown[]> {
  const { path, registration, welcome } = clients[name]
  const client = await connect(t, app, path('me'))
  for (const frame of registration('me')) client.send(frame)
  if (name !== 'peerjs') await client.nextThat((frame) => welcome(frame, 'me') !== undefined)
  else await client.nextOf('OPEN')
  const { frames, answers } = callers[name]
  for (const frame of frames(target)) client.send(frame)
  const got: Frame[] = []
  // A list of tom's may still follow, since who called before has left.
  while (got.length < answers) got.push(await client.nextThat(({ type }) => type !== 'participants'))
  await client.close()
  return got.map((frame) => JSON.parse(JSON.stringify(frame).replaceAll(target, 'TARGET')))
}

/** The peers that a client might want to reach, each by the form that it would have. */
const qualified: Record<Caller, string> = { peerjs: 'peerjs:there', drone: 'drone:there', psync: 'psync:here/there', tom: 'tom:there' }

/** Only what is answered is compared. */
const shortly: Env = { PEERJS_EXPIRE_TIMEOUT: '500', DRONE_LIST_UPDATES: 'false' }

async function everybody (t: Test, app: FastifyInstance) {
  return [
    await peerOf(t, app, 'peerjs', 'there'), await peerOf(t, app, 'drone', 'there'), await peerOf(t, app, 'psync', 'there')
  ] as const
}

for (const name of Object.keys(callers) as Caller[]) {
  t.test(`without BRIDGE, ${name} answers every qualified target exactly as an absent one`, async (t) => {
    const app = await build(t, shortly)
    const [, drone] = await everybody(t, app)
    const absent = await answersTo(t, app, name, 'nobody')
    for (const target of Object.values(qualified)) t.same(await answersTo(t, app, name, target), absent, target)
    t.same(await quiet(drone, 'drone').then((frames) => frames.filter(({ type }) => type === 'offer')), [], 'nobody heard')
  })
}

for (const [name, target] of [['drone', 'psync:here/there'], ['psync', 'drone:there'], ['tom', 'drone:there']] as const) {
  t.test(`with BRIDGE, ${name} answers a target of a pair that is not listed as an absent one`, async (t) => {
    const app = await build(t, { ...shortly, BRIDGE: 'peerjs-drone,peerjs-psync' })
    await everybody(t, app)
    t.same(await answersTo(t, app, name, target), await answersTo(t, app, name, 'nobody'))
  })
}

t.test('a pair that is listed one way lets the others answer, and not call', async (t) => {
  const app = await build(t, { ...shortly, BRIDGE: 'drone>peerjs' })
  const [alice, drone] = await everybody(t, app)
  t.same(await answersTo(t, app, 'peerjs', 'drone:there'), await answersTo(t, app, 'peerjs', 'nobody'))
  drone.send({ type: 'offer', target: 'peerjs:there', sdp: pictures })
  const { payload } = await alice.nextOf('OFFER')
  alice.send(peerjsFrames.answer('drone:there', (payload as Frame).connectionId))
  t.match(await drone.nextOf('answer'), { from: 'peerjs:there', sdp: answered })
})

t.test('an id that looks like that of another dialect’s peer cannot be registered while BRIDGE is set', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone', ID_TAKEOVER: 'replace' })
  const drone = await connect(t, app, '/drone')
  drone.send({ type: 'register', id: 'peerjs:alice' })
  t.same(await drone.next(), { type: 'error', message: 'Id is taken' })
  drone.send({ type: 'register', id: 'psync:g/a' })
  t.match(await drone.next(), { type: 'registered' }, 'psync is not bridged')
  const page = await connect(t, app, clients.peerjs.path('drone:cam-1'))
  t.same(await page.next(), { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } })
  t.match(await page.closed, { code: 1008 })
})

t.test('without BRIDGE, such an id is an id', async (t) => {
  const app = await build(t)
  const drone = await peerOf(t, app, 'drone', 'peerjs:alice')
  const other = await peerOf(t, app, 'drone', 'd')
  other.send({ type: 'offer', target: 'peerjs:alice', sdp: pictures })
  t.match(await drone.next(), { type: 'offer', from: 'd' })
})

t.test('with auth, both tokens are asked: the caller’s must name the dialect, that of the called one must not leave it out', async (t) => {
  const { apps } = await nodesOn(t, 2, { ...withSecret, BRIDGE: 'peerjs-drone' })
  const [one, other] = apps as [FastifyInstance, FastifyInstance]
  const drone = async (id: string, claims: Frame, app = other) => await peerOf(t, app, 'drone', id, bearing({ sub: id, ...claims }))
  const refused = { type: 'error', message: 'not allowed' }

  const alice = await peerOf(t, one, 'peerjs', 'alice', bearing({ sub: 'alice', bridge: ['drone'] }))
  const bob = await peerOf(t, one, 'peerjs', 'bob', bearing({ sub: 'bob' }))
  await drone('free', {})
  await drone('fits', { bridge: ['peer*'] })
  await drone('shut', { bridge: [] })
  await drone('here', { bridge: ['psync'] }, one)

  bob.send(peerjsFrames.offer('drone:free'))
  t.same(await bob.next(), { type: 'EXPIRE', src: 'drone:free', dst: 'bob' }, 'a page keeps its socket')
  for (const id of ['shut', 'here']) {
    alice.send(peerjsFrames.offer(`drone:${id}`))
    t.same(await alice.next(), { type: 'EXPIRE', src: `drone:${id}`, dst: 'alice' }, id)
  }
  for (const id of ['free', 'fits']) {
    const called = await drone(id, { bridge: ['peerjs'] })
    alice.send(peerjsFrames.offer(`drone:${id}`))
    t.match(await called.nextOf('offer'), { from: 'peerjs:alice' }, id)
  }

  const d1 = await drone('d1', {})
  d1.send({ type: 'offer', target: 'peerjs:bob', sdp: pictures })
  t.same(await d1.next(), refused, 'no claim, no call')
  const d2 = await drone('d2', { bridge: ['peerjs'] })
  const shut = await peerOf(t, one, 'peerjs', 'shut', bearing({ sub: 'shut', bridge: ['psync'] }))
  d2.send({ type: 'offer', target: 'peerjs:shut', sdp: pictures })
  t.same(await d2.next(), refused, 'the called one’s claim, on another node, forbids it')
  t.same(await quiet(shut, 'peerjs'), [])
  const metrics = await (await fetch(`${urlOf(other)}/metrics`, bearing({ sub: 'ops', roles: ['admin'] }))).text()
  t.match(metrics, 'signalbox_bridge_calls_total{from="drone",to="peerjs",outcome="not_allowed"} 2')
})

t.test('a call whose ends could not understand each other is refused before anything is delivered', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone,peerjs-psync,drone-psync' })
  const [alice, drone, daemon] = await everybody(t, app)
  for (const serialization of ['binary', 'binary-utf8', 'msgpack', undefined]) {
    alice.send(peerjsFrames.offer('drone:there', { type: 'data', sdp: channels, serialization, connectionId: `dc_${serialization}` }))
    t.same(await alice.next(), { type: 'EXPIRE', src: 'drone:there', dst: 'there' }, `${serialization}: nobody else reads it`)
  }
  alice.send(peerjsFrames.offer('psync:here/there'))
  t.same(await alice.next(), { type: 'EXPIRE', src: 'psync:here/there', dst: 'there' }, 'psync has no pictures')
  drone.send({ type: 'offer', target: 'psync:here/there', sdp: pictures })
  t.same(await drone.next(), { type: 'error', message: 'Cannot be passed to another dialect', details: 'psync:here/there' })
  drone.send({ type: 'offer', target: 'peerjs:there', sdp: { type: 'offer' } })
  t.same(await drone.next(), { type: 'error', message: 'Cannot be passed to another dialect', details: 'peerjs:there' })
  daemon.send({ type: 'offer', source_id: 'there', target_id: 'peerjs:there', payload: { description: pictures } })
  t.same(await daemon.next(), { type: 'error', payload: { message: 'cannot be passed to another dialect', target_id: 'peerjs:there' } })
  for (const serialization of ['raw', 'json']) {
    alice.send(peerjsFrames.offer('drone:there', { type: 'data', sdp: channels, serialization, connectionId: `dc_${serialization}` }))
    t.match(await drone.next(), { type: 'offer', sdp: { type: 'offer', sdp: channels } }, `${serialization}, in the form that it sent last`)
  }
})

t.test('groups stay walls: a page whose token names groups calls peers of no other', async (t) => {
  const app = await build(t, { ...withSecret, BRIDGE: 'peerjs-psync' })
  const alice = await peerOf(t, app, 'peerjs', 'alice', bearing({ sub: 'alice', bridge: ['psync'], groups: ['ours'] }))
  for (const place of ['ours', 'theirs']) await peerOf(t, app, 'psync', place, { place, ...bearing({ sub: place }) })
  const offer = { type: 'data', sdp: channels, serialization: 'raw' }
  alice.send(peerjsFrames.offer('psync:theirs/theirs', offer))
  t.match(await alice.next(), { type: 'EXPIRE' })
  const again = await peerOf(t, app, 'psync', 'ours', { place: 'ours', ...bearing({ sub: 'ours' }) })
  alice.send(peerjsFrames.offer('psync:ours/ours', offer))
  t.match(await again.nextOf('offer'), { source_id: 'peerjs:alice' })
})

t.test('GET /bridge/peers lists whom others can call, by the rule of discovery', async (t) => {
  const env = { BRIDGE: 'peerjs-drone,peerjs-psync' }
  const app = await build(t, { ...env, ALLOW_DISCOVERY: 'true' })
  await everybody(t, app)
  const get = async (app: FastifyInstance, query: string, options: RequestInit = {}) => {
    const response = await fetch(`${urlOf(app)}/bridge/peers${query}`, options)
    return [response.status, await response.json()]
  }
  t.same(await get(app, '?dialect=drone'), [200, ['drone:there']])
  t.same(await get(app, '/?dialect=psync'), [200, ['psync:here/there']])
  t.same(await get(app, '?dialect=peerjs'), [200, ['peerjs:there']])
  for (const query of ['', '?dialect=tom', '?dialect=nothing']) {
    t.same(await get(app, query), [400, { error: 'querystring/dialect must be one of drone, peerjs, psync' }], query)
  }
  t.match(await get(await build(t, env), '?dialect=drone'), [401])
  t.match(await get(await build(t, { ALLOW_DISCOVERY: 'true' }), '?dialect=drone'), [404])

  const guarded = await build(t, { ...env, ...withSecret })
  await peerOf(t, guarded, 'drone', 'cam-1', bearing({ sub: 'cam-1' }))
  const page = { sub: 'alice', dialects: ['peerjs'], roles: ['discover'] }
  t.match(await get(guarded, '?dialect=drone', bearing({ sub: 'alice', bridge: ['drone'] })), [401], 'it takes the role')
  t.match(await get(guarded, '?dialect=drone', bearing(page)), [401], 'and a claim that lets it call them')
  t.same(await get(guarded, '?dialect=drone', bearing({ ...page, bridge: ['drone'] })), [200, ['drone:cam-1']])
})

t.test('a BRIDGE that names what cannot be bridged stops the start, and so does the PeerJS key bridge', async (t) => {
  for (const entry of ['peerjs-tom', 'peerjs-peerjs', 'drone>nothing']) {
    await t.rejects(build(t, { BRIDGE: `peerjs-drone,${entry}` }), {
      message: `BRIDGE: invalid value "${entry}", expected a pair such as peerjs-drone, of two of drone, peerjs, psync`
    })
  }
  await t.rejects(build(t, { BRIDGE: 'peerjs' }), { message: /^BRIDGE: invalid value "peerjs", expected a comma-separated list of pairs/ })
  await t.rejects(build(t, { BRIDGE: 'gst-psync', DIALECTS: 'gst,psync' }), {
    message: 'BRIDGE: invalid value "gst-psync": calls of gst are media, and calls of psync are data'
  })
  await t.rejects(build(t, { BRIDGE: 'peerjs-drone', DIALECTS: 'drone,tom' }), { message: /^BRIDGE: .* fewer than two dialects are on/ })
  await t.rejects(build(t, { BRIDGE: 'peerjs-drone', PEERJS_KEY: 'peerjs,bridge' }), { message: /^PEERJS_KEY: .*since BRIDGE is set/ })
  await t.resolves(build(t, { PEERJS_KEY: 'peerjs,bridge' }))
})
