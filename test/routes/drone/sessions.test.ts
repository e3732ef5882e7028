import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { buildOnly, type Client } from '../../helper.js'
import { error, join, timeless } from './clients.js'

const build = buildOnly('drone')

async function three (t: Test): Promise<Record<'alice' | 'bob' | 'carol', Client> & { app: FastifyInstance }> {
  const app = await build(t, { DRONE_LIST_UPDATES: 'false' })
  return { app, alice: await join(t, app, 'a'), bob: await join(t, app, 'b'), carol: await join(t, app, 'c') }
}

const unknown = error('Unknown session')

t.test('an offer with a sessionId carries it, and one without gets one made up', async (t) => {
  const { alice, bob } = await three(t)
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'mine' })
  t.strictSame(timeless(await bob.next()), { type: 'offer', from: 'a', sdp: 's', sessionId: 'mine' })
  const madeUp = new Set<unknown>()
  for (const more of [{}, { sessionId: '' }, { sessionId: null }]) {
    alice.send({ type: 'offer', target: 'b', sdp: 's', ...more })
    const { sessionId, ...rest } = timeless(await bob.next())
    t.strictSame(rest, { type: 'offer', from: 'a', sdp: 's' })
    t.match(sessionId, /^session-./)
    madeUp.add(sessionId)
  }
  t.equal(madeUp.size, 3, 'another one each time')
})

t.test('answers and candidates without a sessionId carry the latest session of the two, from either side', async (t) => {
  const { alice, bob } = await three(t)
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'first' })
  await bob.next()
  bob.send({ type: 'answer', target: 'a', sdp: 's' })
  t.strictSame(timeless(await alice.next()), { type: 'answer', from: 'b', sdp: 's', sessionId: 'first' })
  bob.send({ type: 'offer', target: 'a', sdp: 's' })
  const { sessionId: second } = await alice.next()
  t.not(second, 'first')
  alice.send({ type: 'ice', target: 'b', candidate: null })
  t.strictSame(timeless(await bob.next()), { type: 'ice', from: 'a', candidate: null, sessionId: second })
  bob.send({ type: 'ice', target: 'a', candidate: null, sessionId: '' })
  t.strictSame(timeless(await alice.next()), { type: 'ice', from: 'b', candidate: null, sessionId: second }, 'an empty one is none')
  bob.send({ type: 'ice', target: 'a', candidate: null, sessionId: 'first' })
  t.match(await alice.next(), { sessionId: 'first' }, 'an earlier one is still theirs')
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'first' })
  await bob.next()
  bob.send({ type: 'answer', target: 'a', sdp: 's' })
  t.match(await alice.next(), { sessionId: 'first' }, 'and offered anew it is the latest')
})

t.test('without any session between the two there is no sessionId', async (t) => {
  const { alice, bob, carol } = await three(t)
  alice.send({ type: 'offer', target: 'c', sdp: 's', sessionId: 'with carol' })
  t.match(await carol.next(), { sessionId: 'with carol' })
  alice.send({ type: 'answer', target: 'b', sdp: 's' })
  t.strictSame(timeless(await bob.next()), { type: 'answer', from: 'a', sdp: 's' })
  alice.send({ type: 'ice', target: 'b', candidate: {} })
  t.strictSame(timeless(await bob.next()), { type: 'ice', from: 'a', candidate: {} })
})

t.test('a session used between other peers than those of its offer is unknown', async (t) => {
  const { alice, bob, carol } = await three(t)
  alice.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'theirs' })
  await bob.next()
  const uses: Array<[Client, target: string]> = [[carol, 'a'], [carol, 'b'], [alice, 'c'], [bob, 'c']]
  for (const [client, target] of uses) {
    for (const frame of [{ type: 'answer', sdp: 's' }, { type: 'ice', candidate: null }]) {
      client.send({ ...frame, target, sessionId: 'theirs' })
      t.strictSame(await client.next(), unknown)
    }
  }
  for (const target of ['a', 'b']) {
    carol.send({ type: 'offer', target, sdp: 's', sessionId: 'theirs' })
    t.strictSame(await carol.next(), unknown, `nor may ${target} be offered a second one of that name`)
  }
  bob.send({ type: 'answer', target: 'a', sdp: 's', sessionId: 'theirs' })
  t.match(
    await alice.next(),
    { type: 'answer', from: 'b', sessionId: 'theirs' },
    'it is still the two’s, and none of the refused frames came'
  )
})

t.test('a drone streams to two operators under one name, and two pairs use the same one', async (t) => {
  const { app, alice, bob, carol } = await three(t)
  for (const [target, operator] of [['b', bob], ['c', carol]] as const) {
    alice.send({ type: 'offer', target, sdp: 's', sessionId: 'default' })
    t.match(await operator.next(), { type: 'offer', from: 'a', sessionId: 'default' })
    operator.send({ type: 'answer', target: 'a', sdp: 's', sessionId: 'default' })
    t.match(await alice.next(), { type: 'answer', from: target, sessionId: 'default' })
  }
  const [dave, erin] = [await join(t, app, 'd'), await join(t, app, 'e')]
  dave.send({ type: 'offer', target: 'e', sdp: 's', sessionId: 'default' })
  t.match(await erin.next(), { type: 'offer', from: 'd' })
  erin.send({ type: 'ice', target: 'd', candidate: null })
  t.match(await dave.next(), { type: 'ice', from: 'e', sessionId: 'default' })
})

t.test('a sessionId never seen is accepted, and only an offer binds it', async (t) => {
  const { alice, bob, carol } = await three(t)
  for (const frame of [{ type: 'answer', sdp: 's' }, { type: 'ice', candidate: null }]) {
    alice.send({ ...frame, target: 'b', sessionId: 'new' })
    t.match(await bob.next(), { from: 'a', sessionId: 'new' })
    carol.send({ ...frame, target: 'b', sessionId: 'new' })
    t.match(await bob.next(), { from: 'c', sessionId: 'new' })
  }
  alice.send({ type: 'ice', target: 'b', candidate: null })
  t.notOk('sessionId' in await bob.next(), 'no session has begun')
})

t.test('an offer that reaches nobody begins no session', async (t) => {
  const { alice, bob, carol } = await three(t)
  alice.send({ type: 'offer', target: 'nobody', sdp: 's', sessionId: 'lost' })
  t.same(await alice.next(), error('Target client not found', 'nobody'))
  carol.send({ type: 'offer', target: 'b', sdp: 's', sessionId: 'lost' })
  t.match(await bob.next(), { from: 'c', sessionId: 'lost' })
})
