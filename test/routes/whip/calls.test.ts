import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { candidate, peerjsFrames, peerOf, quiet } from '../../bridge/ends.js'
import { nodesOn } from '../../cluster/nodes.js'
import { build, type Client, connect, type Env, type Frame, until } from '../../helper.js'
import { answer, ask, fragment, offer, patch, post, sessionOf, viewing } from './caller.js'

t.jobs = 4

const settings: Env = { DIALECTS: 'peerjs,drone,whip,whep', BRIDGE: 'whip-peerjs,whep-drone,whip-drone' }

/** One node, or two on one Redis: requests go to the first, and who is called is at the second. */
type Start = (t: Test, env?: Env) => Promise<readonly [FastifyInstance, FastifyInstance]>

const ways: Record<string, Start> = {
  async 'on one node' (t, env = {}) {
    const app = await build(t, { ...settings, ...env })
    return [app, app]
  },
  async 'on two nodes' (t, env = {}) {
    const { apps: [one, other] } = await nodesOn(t, 2, { ...settings, ...env })
    return [one as FastifyInstance, other as FastifyInstance]
  }
}

/** The page takes the call, and says its candidates, as many as there are numbers. */
async function takeCall (page: Client, ...numbers: number[]): Promise<{ src: string, connectionId: string }> {
  const { src, payload } = await page.nextOf('OFFER') as unknown as { src: string, payload: { connectionId: string } }
  const { connectionId } = payload
  page.send(peerjsFrames.answer(src, connectionId, answer))
  for (const number of numbers) page.send(peerjsFrames.candidate(src, connectionId, number))
  return { src, connectionId }
}

for (const [where, start] of Object.entries(ways)) {
  t.test(`${where}: a publisher calls a PeerJS page, adds candidates, and hangs up, at whichever node`, async (t) => {
    const [one, other] = await start(t, { STUN_URLS: 'stun:stun.test:1', TURN_URLS: 'turn:turn.test:2', TURN_SECRET: 'x'.repeat(32) })
    const page = await peerOf(t, other, 'peerjs', 'alice')
    const called = post(one, '/whip/peerjs:alice')
    const ring = await page.next()
    t.match(ring, { type: 'OFFER', src: /^whip:[\w-]{22}$/, dst: 'alice', payload: { sdp: { type: 'offer', sdp: offer }, type: 'media' } })
    const { src, payload } = ring as { src: string, payload: { connectionId: string } }
    page.send(peerjsFrames.answer(src, payload.connectionId, answer))
    for (const number of [1, 2]) page.send(peerjsFrames.candidate(src, payload.connectionId, number))

    const answered = await called
    t.equal(answered.status, 201)
    const lines = [1, 2].map((number) => `a=${candidate(number)}\r\n`).join('')
    t.equal(answered.body, answer.replace('m=video', `${lines}a=end-of-candidates\r\nm=video`), 'only candidates are added')
    t.equal(answered.headers.get('content-type'), 'application/sdp')
    t.match(answered.headers.get('etag'), /^"[\w-]{11}"$/)
    const session = sessionOf(answered)
    t.match(session, /^\/whip\/peerjs:alice\/[\w-]{22}\.[\w-]{11}$/)
    t.notMatch(session, src.slice('whip:'.length), 'who is called does not learn the URL')
    const link = answered.headers.get('link')
    t.match(link, /^<stun:stun.test:1>; rel="ice-server", <turn:turn.test:2>; rel="ice-server"; username="\d+:[^"]+"; cred/)

    const etag = answered.headers.get('etag') ?? ''
    const lateOnes = fragment(`a=${candidate(3)}`, `a=${candidate(4)}`, 'a=end-of-candidates')
    t.equal((await patch(other, session, lateOnes, { 'if-match': etag })).status, 204)
    for (const number of [3, 4]) {
      t.match(await page.next(), {
        type: 'CANDIDATE',
        src,
        payload: {
          candidate: { candidate: candidate(number), sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'EsAw' },
          type: 'media',
          connectionId: payload.connectionId
        }
      })
    }

    t.same([(await ask(other, 'DELETE', session)).status, await page.next()], [200, { type: 'LEAVE', src, dst: 'alice' }])
    t.equal((await ask(one, 'DELETE', session)).status, 404, 'it is over, once')
    t.equal((await patch(one, session, lateOnes, { 'if-match': etag })).status, 404)
    t.equal((await post(one, '/whip/peerjs:bob')).status, 404)
  })

  t.test(`${where}: a player calls a camera that speaks drone, and is answered once the camera has no more candidates`, async (t) => {
    const [one, other] = await start(t)
    const camera = await peerOf(t, other, 'drone', 'cam-1')
    const called = post(one, '/whep/drone:cam-1', viewing)
    const { from: target, sdp, sessionId } = await camera.nextOf('offer')
    t.equal(sdp, viewing)
    t.match(target, /^whep:/)
    // Before its answer, too.
    const say = (number: number) =>
      camera.send({ type: 'ice', target, candidate: { candidate: candidate(number), sdpMid: '1' }, sessionId })
    say(1)
    camera.send({ type: 'answer', target, sdp: answer, sessionId })
    say(2)
    camera.send({ type: 'ice', target, candidate: null, sessionId })
    const answered = await called
    t.equal(answered.status, 201)
    t.equal(answered.body, answer.replace('m=video', `a=${candidate(1)}\r\na=${candidate(2)}\r\na=end-of-candidates\r\nm=video`))

    const session = sessionOf(answered)
    t.equal((await patch(other, session, fragment(`a=${candidate(3)}`))).status, 204)
    t.match(await camera.nextOf('ice'), { from: target, candidate: { candidate: candidate(3), sdpMid: '0' }, sessionId })
    await camera.close()
    await until(async () => (await patch(one, session, fragment(`a=${candidate(4)}`))).status === 404)
  })

  t.test(`${where}: a publisher that goes before it is answered is told of to who was called`, async (t) => {
    const [one, other] = await start(t)
    const page = await peerOf(t, other, 'peerjs', 'alice')
    const client = new AbortController()
    const called = post(one, '/whip/peerjs:alice', offer, { signal: client.signal })
    const { src } = await page.nextOf('OFFER')
    client.abort()
    await t.rejects(called)
    t.same(await page.next(), { type: 'LEAVE', src, dst: 'alice' })
    await until(() => one.state.peers.here('whip').length === 0)
  })

  t.test(`${where}: who was called goes before it answers, and the publisher is told at once`, async (t) => {
    const [one, other] = await start(t)
    const page = await peerOf(t, other, 'peerjs', 'alice')
    const called = post(one, '/whip/peerjs:alice')
    await page.nextOf('OFFER')
    await page.close()
    t.equal((await called).status, 404)
  })
}

t.test('many may publish to one page at a time', async (t) => {
  const [app] = await (ways['on one node'] as Start)(t)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const called = [1, 2, 3].map(async () => await post(app, '/whip/peerjs:alice'))
  const sources = new Set<string>()
  for (let call = 0; call < 3; call++) sources.add((await takeCall(page, 1)).src)
  t.equal(sources.size, 3)
  t.same((await Promise.all(called)).map(({ status }) => status), [201, 201, 201])
})

t.test('candidates that come too late for the answer cannot be told, and are counted', async (t) => {
  const [app] = await (ways['on one node'] as Start)(t)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const called = post(app, '/whip/peerjs:alice')
  const { src, connectionId } = await takeCall(page, 1)
  await called
  page.send(peerjsFrames.candidate(src, connectionId, 2))
  t.same(await quiet(page, 'peerjs'), [])
  const { body } = await ask(app, 'GET', '/metrics')
  t.match(body, 'signalbox_dialect_events_total{event="late_candidates",dialect="whip"} 1')
  t.match(body, 'signalbox_bridge_calls_total{from="whip",to="peerjs",outcome="answered"} 1')
  t.match(body, 'signalbox_registrations_total{dialect="whip"} 1')
})

t.test('who is called cannot call back, nor end the session of another', async (t) => {
  const [app] = await (ways['on one node'] as Start)(t)
  const page = await peerOf(t, app, 'peerjs', 'alice')
  const called = post(app, '/whip/peerjs:alice')
  const { src } = await takeCall(page)
  const session = sessionOf(await called)
  page.send(peerjsFrames.offer(src, { connectionId: 'mc_2' }))
  t.match(await page.next(), { type: 'EXPIRE', src })
  const id = src.slice('whip:'.length)
  const [secret = '', tag = ''] = (session.split('/').at(-1) ?? '').split('.')
  for (const guess of [id, `${id}.${tag}`, `${secret}.${id.slice(0, 11)}`, secret]) {
    t.equal((await ask(app, 'DELETE', `/whip/peerjs:alice/${guess}`)).status, 404, guess)
  }
  t.equal((await ask(app, 'DELETE', session.replace('alice', 'bob'))).status, 404)
  t.equal((await ask(app, 'DELETE', session.replace('/whip', '/whep'))).status, 404)
  t.equal((await ask(app, 'DELETE', session)).status, 200)
})

t.test('a page that answers with an end of candidates in its description is not waited for', async (t) => {
  const [app] = await (ways['on one node'] as Start)(t)
  const camera = await peerOf(t, app, 'drone', 'cam-1')
  const called = post(app, '/whip/drone:cam-1')
  const { from: target } = await camera.nextOf('offer')
  const whole = answer.replace('m=video', `a=${candidate(1)}\r\na=end-of-candidates\r\nm=video`)
  camera.send({ type: 'answer', target, sdp: { type: 'answer', sdp: whole } as Frame })
  t.equal((await called).body, whole, 'byte for byte')
})

t.test('a camera that only offers cannot answer a player, which is told at once', async (t) => {
  const app = await build(t, { DIALECTS: 'gst,whep', BRIDGE: 'whep-gst' })
  const camera = await connect(t, app, '/gst')
  camera.send({ type: 'setPeerStatus', roles: ['producer'], meta: null })
  const { peerId } = await camera.nextOf('welcome')
  await until(() => app.state.peers.here('gst')[0]?.info.roles !== undefined)
  const called = post(app, `/whep/gst:${String(peerId)}`, viewing)
  const { sessionId } = await camera.nextOf('startSession')
  camera.send({ type: 'peer', sessionId, sdp: { type: 'offer', sdp: offer } })
  t.equal((await called).status, 422)
  t.match(await camera.nextOf('endSession'), { sessionId })
})
