import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { tokenFor, withSecret } from '../../auth/tokens.js'
import { peerjsFrames, peerOf, quiet } from '../../bridge/ends.js'
import { nodesOn } from '../../cluster/nodes.js'
import { build, type Client, type Env, until } from '../../helper.js'
import { buildInVirtualTime, type InVirtualTime, StandingClock } from '../../virtual-time.js'
import { answer, ask, type Answered, offer, post, sessionOf } from './caller.js'

t.jobs = 4

// No socket falls silent by the clock.
const settings: Env = {
  DIALECTS: 'peerjs,drone,whip,whep', BRIDGE: 'whip-peerjs,whep-drone', PEERJS_ALIVE_TIMEOUT: '999999999', HEARTBEAT_INTERVAL: '999999999'
}
const path = '/whip/peerjs:alice'

/** A call that the page takes. */
async function established (
  app: FastifyInstance,
  page: Client,
  headers: Record<string, string> = {}
): Promise<{ src: string, connectionId: string, answered: Answered }> {
  const called = post(app, path, offer, { headers })
  const { src, payload } = await page.nextOf('OFFER') as unknown as { src: string, payload: { connectionId: string } }
  page.send(peerjsFrames.answer(src, payload.connectionId, answer))
  return { src, connectionId: payload.connectionId, answered: await called }
}

t.test('without an answer within 15 s, the publisher gets 504, and who was called hears that it has gone', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, settings)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const called = post(app, path)
  const { src, payload } = await page.next() as { src: string, payload: { connectionId: string } }
  await pass(12_000)
  t.same(await quiet(page, 'peerjs'), [])
  await pass(4_000)
  t.match(await called, { status: 504, body: '{"error":"No answer came in time"}' })
  t.same(await page.next(), { type: 'LEAVE', src, dst: 'alice' })
  page.send(peerjsFrames.answer(src, payload.connectionId, answer))
  t.match(await page.next(), { type: 'EXPIRE', src }, 'a late answer is nobody’s')
})

t.test('candidates are waited for until none has come for 300 ms, and for 2 s at most', async (t) => {
  const { app, pass, now } = await buildInVirtualTime(t, settings, 50, undefined, new StandingClock())
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const called = post(app, path)
  const { src, payload } = await page.next() as { src: string, payload: { connectionId: string } }
  page.send(peerjsFrames.answer(src, payload.connectionId, answer))
  await quiet(page, 'peerjs')
  const began = now()
  const done = called.then((answered) => ({ ...answered, ms: now() - began }))
  for (let number = 1; number <= 20; number++) {
    page.send(peerjsFrames.candidate(src, payload.connectionId, number))
    await quiet(page, 'peerjs')
    await pass(200)
  }
  const { ms, body } = await done
  t.ok(ms >= 1_900 && ms < 3_000, `${Math.round(ms)} ms`)
  t.ok(body.match(/a=candidate:/g)?.length as number >= 5)
})

t.test('when the token of the publisher expires, its session ends, and who was called hears that', async (t) => {
  const { app, pass } = await buildInVirtualTime(t, { ...settings, ...withSecret })
  const inAnHour = Math.floor(Date.now() / 1000) + 3600
  const bearer = (claims: object) => ({ authorization: `Bearer ${tokenFor(claims)}` })
  const page = await peerOf(t, app, 'peerjs', 'alice', { headers: bearer({ sub: 'alice' }) })
  const { src, answered } = await established(app, page, bearer({ sub: 'p', bridge: ['peerjs'], exp: inAnHour }))
  t.equal(answered.status, 201)
  await pass(3_590_000)
  t.same(await quiet(page, 'peerjs'), [])
  await pass(20_000)
  t.same(await page.next(), { type: 'LEAVE', src, dst: 'alice' })
  t.equal((await ask(app, 'DELETE', sessionOf(answered), { headers: bearer({ sub: 'p' }) })).status, 404)
})

t.test('after a day a session is forgotten, and who was called hears nothing: the stream may go on', async (t) => {
  const { app, pass }: InVirtualTime = await buildInVirtualTime(t, settings, 60_000)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const { answered } = await established(app, page)
  await pass(86_500_000)
  t.same(await quiet(page, 'peerjs'), [])
  t.equal((await ask(app, 'DELETE', sessionOf(answered))).status, 404)
  t.equal(app.state.peers.here('whip').length, 0)
})

t.test('one session more than an address may have, and its oldest is forgotten', async (t) => {
  const app = await build(t, { ...settings, MAX_CLIENTS_PER_ADDRESS: '8' })
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const sessions: string[] = []
  for (let call = 0; call < 9; call++) sessions.push(sessionOf((await established(app, page)).answered))
  t.equal(app.state.peers.here('whip').length, 8)
  t.same(await quiet(page, 'peerjs'), [], 'nobody is told')
  const ends = []
  for (const session of sessions) ends.push((await ask(app, 'DELETE', session)).status)
  t.same(ends, [404, ...Array(8).fill(200)])
})

t.test('while the server drains, there are no new calls, and sessions can be ended', async (t) => {
  const app = await build(t, { ...settings, DRAIN_MS: '0' })
  const { answered } = await established(app, await peerOf(t, app, 'peerjs', 'alice'))
  await app.signalbox.connections.drain(0)
  const refused = await post(app, path)
  t.same([refused.status, JSON.parse(refused.body)], [503, { error: 'Draining' }])
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  t.equal((await ask(app, 'DELETE', sessionOf(answered))).status, 200)
})

t.test('when a node ends, calls that wait there get 503, and are over; who has answered is not told, and the stream goes on', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { ...settings, DRAIN_MS: '0', NODE_LEASE_MS: '1000' })
  const [leaving, staying] = [one as FastifyInstance, other as FastifyInstance]
  const page = await peerOf(t, staying, 'peerjs', 'alice')
  const { src, connectionId } = await established(leaving, page)
  const called = post(leaving, path)
  const waiting = await page.nextOf('OFFER')
  t.not(waiting.src, src)
  const closed = leaving.close()
  t.match(await called, { status: 503 })
  t.same(await page.next(), { type: 'LEAVE', src: waiting.src, dst: 'alice' })
  await closed
  page.send(peerjsFrames.candidate(src, connectionId, 1))
  t.same(await quiet(page, 'peerjs'), [], 'the call is over there, too: it is not asked any more who is still in it')
})

t.test('an administrator who ends a session has who was called told', async (t) => {
  const app = await build(t, settings)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const { src, answered } = await established(app, page)
  t.equal(await app.state.peers.disconnect('whip', src.slice('whip:'.length), { code: 1008, reason: 'x' }), 'closed')
  t.same(await page.next(), { type: 'LEAVE', src, dst: 'alice' })
  await until(async () => (await ask(app, 'DELETE', sessionOf(answered))).status === 404)
})

t.test('apps are told of publishers as of everybody', async (t) => {
  const app = await build(t, settings)
  const told: string[] = []
  const { events } = app.signalbox
  events.on('join', ({ dialect, id }) => { if (dialect === 'whip') told.push(`join ${id}`) })
  events.on('leave', ({ dialect, id }) => { if (dialect === 'whip') told.push(`leave ${id}`) })
  events.on('close', ({ dialect, code }) => { if (dialect === 'whip') told.push(`close ${code}`) })
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const { src, answered } = await established(app, page)
  await ask(app, 'DELETE', sessionOf(answered))
  await until(() => told.length === 3)
  const id = src.slice('whip:'.length)
  t.same(told, [`join ${id}`, `leave ${id}`, 'close 1000'])
})
