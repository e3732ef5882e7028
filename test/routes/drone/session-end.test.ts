import { once } from 'node:events'
import t from 'tap'
import { buildOnly, type Client } from '../../helper.js'
import { answers, error, join, news, register } from './clients.js'

const build = buildOnly('drone')

const quiet = { DRONE_LIST_UPDATES: 'false' }
const unknown = error('Unknown session')

/** Whether a session is nobody's: a third client may use its name. */
async function isFree (carol: Client, session: string): Promise<boolean> {
  carol.send({ type: 'ice', target: 'c', candidate: null, sessionId: session })
  return (await carol.nextThat(({ type }) => type === 'ice' || type === 'error')).type === 'ice'
}

for (const leaver of ['the caller', 'the called']) {
  t.test(`a session ends when ${leaver} leaves`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'a')
    const bob = await join(t, app, 'b')
    const carol = await join(t, app, 'c')
    alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
    await bob.nextOf('offer')
    t.notOk(await isFree(carol, 'theirs'))
    await (leaver === 'the caller' ? alice : bob).close()
    await carol.nextOf('client_list_update')
    t.ok(await isFree(carol, 'theirs'))
  })
}

t.test('a client that comes back under its id has no session from before', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.nextOf('offer')
  await bob.close()
  await alice.nextOf('client_list_update')
  const again = await join(t, app, 'b')
  again.send({ type: 'answer', target: 'a', sdp: 's' })
  t.notOk('sessionId' in await alice.nextOf('answer'))
})

t.test('a session ends when one of its peers registers under another id', async (t) => {
  const app = await build(t, quiet)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.nextOf('offer')
  await register(bob, 'bob')
  bob.send({ type: 'answer', target: 'a', sdp: 's' })
  t.notOk('sessionId' in await alice.nextOf('answer'))
})

t.test('the sessions of a client with others stay when one of them leaves', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'with bob' })
  alice.send({ type: 'offer', target: 'c', sdp: 's', sessionId: 'with carol' })
  await carol.nextOf('offer')
  await bob.close()
  await alice.nextOf('client_list_update')
  alice.send({ type: 'ice', target: 'c', candidate: null })
  t.match(await carol.nextOf('ice'), { sessionId: 'with carol' })
})

t.test('a takeover is no leave: the newer connection goes on in the session', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await old.nextOf('offer')
  const young = await join(t, app, 'b')
  await old.closed
  young.send({ type: 'answer', target: 'a', sdp: 's' })
  t.match(await alice.next(), { type: 'answer', from: 'b', sessionId: 'theirs' })
})

t.test('a session ends after SESSION_TIMEOUT_MS without traffic', async (t) => {
  const app = await build(t, { ...quiet, SESSION_TIMEOUT_MS: '1000', MESSAGE_BURST: '1000000' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  const startedAt = performance.now()
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.nextOf('offer')
  t.notOk(await isFree(carol, 'theirs'))
  let refusals = 0
  while (!await isFree(carol, 'theirs')) refusals++
  t.ok(performance.now() - startedAt >= 900 && refusals > 0, 'and not before')
  bob.send({ type: 'answer', target: 'a', sdp: 's' })
  t.notOk('sessionId' in await alice.nextOf('answer'))
})

t.test('traffic of its two peers keeps a session, and frames refused for it do not', async (t) => {
  const app = await build(t, { ...quiet, SESSION_TIMEOUT_MS: '2000', HEARTBEAT_INTERVAL: '1000' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.nextOf('offer')
  // Each ping is one second later.
  for (let pings = 0; pings < 4; pings++) {
    await once(alice.socket, 'ping')
    if (pings === 0) {
      alice.send({ type: 'offer', target: 'b', sdp: 'again', sessionId: 'theirs' })
      await bob.nextOf('offer')
    } else if (pings % 2 === 0) await news(alice, bob, 'b')
    else await news(bob, alice, 'a')
  }
  carol.send({ type: 'ice', target: 'a', candidate: null, sessionId: 'theirs' })
  t.same(await answers(carol), [unknown])
  for (let pings = 0; pings < 3; pings++) {
    await once(alice.socket, 'ping')
    carol.send({ type: 'ice', target: 'a', candidate: null, sessionId: 'theirs' })
    await answers(carol)
  }
  t.ok(await isFree(carol, 'theirs'))
})
