import fc from 'fast-check'
import t from 'tap'
import { readPermit } from '../../src/auth/permit.js'
import { bearing, tokenFor, withSecret } from '../auth/tokens.js'
import { eventually } from '../cluster/nodes.js'
import { build, connect, type Frame, refusal, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'

const addressed = builtIn.filter(({ addressing }) => addressing !== undefined)

/** Halves of surrogate pairs, which JSON can say and UTF-8 cannot. */
const halves = ['\ud800', '\udfff', 'a\ud83d', '\ude00a', '\ude00\ud83d', '\ud83d\ud83d\ude00', `${'x'.repeat(255)}\ud800`]

const anyId = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(...'"\\/ \u2028\ufeff\uffff\u05d0\u202e\u0301\u{1f600}\u{10ffff}%+&#'),
    minLength: 1,
    maxLength: 12
  }),
  fc.constantFrom('\u{10ffff}'.repeat(128), 'é'.repeat(256))
).filter((id) => id.length <= 256 && !/\p{Cc}/u.test(id))

for (const subject of addressed) {
  t.test(`${subject.name}: peers with ids of every plane of Unicode signal both ways, and leave`, async (t) => {
    const app = await build(t, { MESSAGE_RATE: '1000000', PEERJS_EXPIRE_TIMEOUT: '500' })
    await fc.assert(fc.asyncProperty(fc.uniqueArray(anyId, { minLength: 2, maxLength: 2 }), async ([one, other]) => {
      const alice = await enter(t, app, subject, one as string)
      const bob = await enter(t, app, subject, other as string, { place: alice.place })
      alice.signal(bob.id, 'there')
      t.match(await bob.hears(), { load: 'there', sender: one })
      bob.signal(alice.id, 'and back')
      t.match(await alice.hears(), { load: 'and back', sender: other })
      await Promise.all([alice.client.close(), bob.client.close()])
      await eventually(() => app.state.size().peers === 0)
    }), { numRuns: 15 })
  })
}

/** A frame with every text that is `name` replaced, wherever it stands. */
const named = (frame: Frame, name: string): Frame => JSON.parse(
  JSON.stringify(frame),
  (_key, value: unknown) => value === 'NAME' ? name : value
) as Frame

for (const subject of addressed.filter(({ name }) => name !== 'peerjs')) {
  t.test(`${subject.name}: half a surrogate pair is no id, no group, no target and no session`, async (t) => {
    const app = await build(t)
    const bob = await enter(t, app, subject, 'bob')
    for (const half of halves) {
      const client = await connect(t, app, subject.path('x'))
      const entrances = [
        subject.registration('NAME', bob.place), ...(subject.name === 'psync' ? [subject.registration('x', 'NAME')] : [])
      ].map((frames) => frames.map((frame) => named(frame, half)))
      if (subject.name === 'tom') entrances.push([{ type: 'register', nodeId: 'x', username: half }])
      for (const frame of entrances.flat()) {
        client.send(frame)
        t.ok(subject.isError(await client.next()), JSON.stringify(frame))
      }
      bob.send(subject.signal('bob', half, 1, bob.place))
      await bob.client.nextThat((frame) => subject.isError(frame))
      if (subject.name !== 'drone') continue
      bob.send({ type: 'offer', target: 'bob', sdp: '', sessionId: half })
      t.match(await bob.client.nextOf('error'), { message: 'Invalid message format' })
    }
    t.equal(app.state.size().peers, 1)
    bob.signal('bob', 'still here')
    t.match(await bob.hears(), { load: 'still here' })
  })
}

t.test('peerjs: what is no UTF-8 in the query is no id, and half a pair is no destination', async (t) => {
  const app = await build(t)
  for (const id of ['%ED%A0%80', 'a%ED%BF%BF', '%FF', '%E2%82', '%C0%80', '%zz', '%']) {
    const client = await connect(t, app, `/peerjs?key=peerjs&token=t&id=${id}`)
    t.same(await client.next(), { type: 'ERROR', payload: { msg: 'No id, token, or key supplied to websocket server' } }, id)
    t.equal((await client.closed).code, 1008)
  }
  const alice = await connect(t, app, '/peerjs?key=peerjs&token=t&id=alice')
  await alice.nextOf('OPEN')
  for (const dst of halves) {
    alice.send({ type: 'OFFER', dst, payload: 1 })
    t.same(await alice.next(), { type: 'ERROR', payload: { msg: 'Missing dst' } }, JSON.stringify(dst))
  }
  t.equal(app.state.size().peers, 1)
})

t.test('a token with half a surrogate pair in a claim cannot be read', async (t) => {
  const app = await build(t, withSecret)
  for (const claims of halves.flatMap((half): Frame[] => [
    { sub: half }, { sub: 'a', ids: [half] }, { sub: 'a', groups: ['x', half] }, { sub: 'a', rooms: [`${half}*`] }
  ])) {
    const client = await connect(t, app, '/tom', bearing(claims))
    t.equal((await client.closed).code, 1008, JSON.stringify(claims))
    t.equal(readPermit(claims, Date.now()), undefined)
  }
  t.equal(readPermit({ sub: '\u{1f600}', ids: ['\u{10ffff}*'] }, Date.now())?.register('\u{10ffff}x'), true)
})

t.test('an administrator’s word for a room and a peer forges no message to another node', async (t) => {
  const app = await build(t, { ...withSecret })
  const tom = builtIn.find(({ name }) => name === 'tom') as Subject
  const alice = await enter(t, app, tom, 'alice', { options: bearing({ sub: 'alice' }) })
  const headers = { authorization: `Bearer ${tokenFor({ sub: 'root', roles: ['admin'] })}` }
  const ask = async (room: string, id: string) => (await fetch(
    `${urlOf(app)}/admin/peers?room=${room}&id=${id}`,
    { method: 'DELETE', headers }
  )).status
  const forged = encodeURIComponent('tom\nbob\nadmin\n0\nframe\ntom\nalice\nmallory\n15\n{"type":"forged"}')
  for (const [room, id] of [[forged, 'bob'], ['tom', forged], ['tom%00', 'bob'], ['tom%7F', 'bob'], ['tom%C2%85', 'bob']] as const) {
    t.equal(await ask(room, id), 400, `${room} ${id}`)
  }
  t.equal(await ask('tom', 'bob'), 404)
  t.same(await alice.settle(), [])
})

t.test('a handshake with half a pair in any parameter is answered', async (t) => {
  const app = await build(t)
  for (const query of ['key=%ED%A0%80&id=a&token=b', 'key=peerjs&id=a&token=%ED%A0%80']) {
    const client = await connect(t, app, `/peerjs?${query}`)
    t.equal((await client.next()).type, 'ERROR', query)
    t.equal((await client.closed).code, 1008)
  }
  t.equal(app.state.size().peers, 0)
  await t.rejects(refusal(t, app, '/peerjs?key=peerjs&id=a&token=b'), /not refused/)
})
