import t from 'tap'
import type { Difference } from './differences.js'
import * as differs from './differences.js'
import { type Options, original, signalbox, Stage } from './stage.js'

const originalServer = original(t)

/**
 * Holds the same conversation with the npm package `peer` and with Signalbox. The transcripts are equal except for the named
 * differences.
 */
function same (title: string, options: Options, talk: (stage: Stage) => Promise<void>, differences: Difference[] = []): void {
  t.test(title, async (t) => {
    const transcripts = []
    const withDiscovery = { allow_discovery: true, ...options }
    for (const start of [originalServer, signalbox]) {
      const stage = new Stage(t, await start(t, withDiscovery), withDiscovery)
      await talk(stage)
      transcripts.push(await stage.end())
    }
    const [expected = {}, got] = transcripts
    t.not(Object.values(expected).flat().length, 0, 'the original has something to say')
    for (const { because, apply } of differences) {
      const before = structuredClone(expected)
      apply(expected)
      t.strictNotSame(expected, before, `differs: ${because}`)
    }
    t.strictSame(got, expected, differences.length === 0 ? 'all is equal' : 'all else is equal')
  })
}

same('two peers call each other as with the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  const bob = await stage.enter('bob')
  const connection = { type: 'data', connectionId: 'dc_mgqsb2hzkbe' }
  alice.send({
    type: 'OFFER',
    dst: 'bob',
    payload: { ...connection, sdp: { type: 'offer', sdp: 'v=0' }, label: 'dc_mgqsb2hzkbe', reliable: false, serialization: 'binary' }
  })
  alice.send({
    type: 'CANDIDATE',
    dst: 'bob',
    payload: { ...connection, candidate: { candidate: 'candidate:1', sdpMLineIndex: 0, sdpMid: '0', usernameFragment: 'u' } }
  })
  await stage.settle()
  bob.send({ type: 'ANSWER', dst: 'alice', payload: { ...connection, sdp: { type: 'answer', sdp: 'v=0' } } })
  bob.send({ type: 'CANDIDATE', dst: 'alice', payload: { ...connection, candidate: null } })
})

same('a forged src and fields of no meaning are treated as by the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  await stage.enter('bob')
  for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE']) {
    alice.send({ type, src: 'mallory', dst: 'bob', payload: 1, extra: { a: 1 }, key: 'peerjs' })
  }
})

same('payloads of any kind arrive as with the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  await stage.enter('bob')
  for (const payload of [undefined, null, false, 0, -1.5e300, '', '\u2028 😀 "', [], [[null]], {}, { a: { b: 'ü' } }]) {
    alice.send({ type: 'OFFER', dst: 'bob', payload })
  }
  alice.send('{"type":"OFFER","dst":"bob","payload":{"__proto__":1,"n":12345678901234567890,"d":1.0}}')
  alice.send('{"type":"ANSWER","type":"OFFER","dst":"alice","dst":"bob","payload":"what is there twice"}')
  alice.send(Buffer.from('{"type":"OFFER","dst":"bob","payload":"from a binary frame"}'))
})

same('unusual ids and calls to oneself work as with the original', {}, async (stage) => {
  const ids = ['😀 smile', 'a&b=c#d?e/f%20', '__proto__', 'constructor', ' ']
  const alice = await stage.enter('alice')
  alice.send({ type: 'OFFER', dst: 'alice', payload: 'me' })
  for (const id of ids) {
    const peer = await stage.enter(id, { as: `peer ${id}` })
    alice.send({ type: 'OFFER', dst: id, payload: 1 })
    peer.send({ type: 'ANSWER', dst: 'alice', payload: 2 })
    await stage.settle()
  }
})

same('LEAVE and EXPIRE are relayed to who is there and kept for nobody, as by the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  await stage.enter('bob')
  for (const dst of ['bob', 'carol']) {
    alice.send({ type: 'LEAVE', dst })
    alice.send({ type: 'EXPIRE', dst, payload: 'anything' })
  }
  await stage.settle()
  await stage.enter('carol')
})

same('signals for an absent peer are kept as by the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  const carol = await stage.enter('carol')
  for (let n = 0; n < 3; n++) {
    alice.send({ type: 'OFFER', dst: 'bob', payload: n, src: 'mallory', extra: 1 })
    await stage.settle()
    carol.send({ type: n === 1 ? 'ANSWER' : 'CANDIDATE', dst: 'bob', payload: { n } })
    await stage.settle()
  }
  // The mail of a sender that leaves stays.
  await stage.leaves('carol')
  await stage.enter('bob')
  await stage.leaves('bob')
  await stage.enter('bob', { as: 'bob again' })
})

same('a signal for who never comes expires as with the original, once for each pair', { expire_timeout: 500 }, async (stage) => {
  const alice = await stage.enter('alice')
  const carol = await stage.enter('carol')
  for (let n = 0; n < 3; n++) alice.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  await stage.settle()
  carol.send({ type: 'OFFER', dst: 'bob' })
  await stage.hears('alice')
  await stage.hears('alice')
  await stage.hears('carol')
  await stage.hears('carol')
  // It comes too late for the mail that has expired.
  await stage.enter('bob')
})

same('heartbeats are taken as by the original: without a word', {}, async (stage) => {
  const alice = await stage.enter('alice')
  for (let n = 0; n < 3; n++) alice.send({ type: 'HEARTBEAT' })
  alice.send({ type: 'HEARTBEAT', dst: 'bob', payload: 1 })
  await stage.settle()
  await stage.enter('bob')
})

same('an id that is taken is refused as by the original', {}, async (stage) => {
  await stage.enter('alice', { token: 'hers' })
  await stage.enter('alice', { token: 'his', as: 'thief' })
  const bob = await stage.enter('bob')
  bob.send({ type: 'OFFER', dst: 'alice', payload: 'still for the first' })
  await stage.settle()
  await stage.leaves('alice')
  await stage.enter('alice', { token: 'his', as: 'heir' })
}, [differs.closesRefused('thief')])

same('a query that lacks something is refused as by the original', {}, async (stage) => {
  await stage.enterBy('no id', '/peerjs?key=peerjs&token=t')
  await stage.enterBy('no token', '/peerjs?key=peerjs&id=a')
  await stage.enterBy('no key', '/peerjs?id=a&token=t')
  await stage.enterBy('empty id', '/peerjs?key=peerjs&id=&token=t')
  await stage.enterBy('nothing', '/peerjs')
  await stage.enterBy('wrong key without token', '/peerjs?key=wrong&id=a')
  await stage.enterBy('the last one counts', '/peerjs?id=a&id=b&key=wrong&key=peerjs&token=t')
}, [differs.closesRefused('no id', 'no token', 'no key', 'empty id', 'nothing', 'wrong key without token')])

same('a wrong key is refused as by the original', { key: 'secret' }, async (stage) => {
  await stage.enter('alice')
  await stage.enter('bob', { key: 'secret' })
  await stage.enter('carol', { key: 'Secret' })
}, [differs.closesRefused('alice', 'carol')])

same('past the limit clients are refused as by the original', { concurrent_limit: 2 }, async (stage) => {
  await stage.enter('alice')
  await stage.enter('bob')
  await stage.enter('carol')
  await stage.enter('bob', { token: 'another', as: 'thief' })
  await stage.leaves('alice')
  await stage.enter('dave')
}, [differs.closesFull('carol'), differs.closesRefused('thief')])

same('the same token replaces as with the original', {}, async (stage) => {
  const old = await stage.enter('alice', { as: 'old' })
  const bob = await stage.enter('bob')
  await stage.enter('alice', { as: 'new' })
  bob.send({ type: 'OFFER', dst: 'alice', payload: 'before the old one closes' })
  await stage.settle()
  await old.close()
  bob.send({ type: 'OFFER', dst: 'alice', payload: 'after' })
}, [differs.opensAgain('new'), differs.closesReplaced('old')])

same('a peer that comes back is a new one, as with the original', {}, async (stage) => {
  await stage.enter('alice')
  const bob = await stage.enter('bob')
  await stage.leaves('alice')
  bob.send({ type: 'OFFER', dst: 'alice', payload: 'meanwhile' })
  await stage.settle()
  await stage.enter('alice', { as: 'alice again' })
  bob.send({ type: 'OFFER', dst: 'alice', payload: 'and now' })
})

same('LEAVE without dst ends a registration as with the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  await stage.enter('bob')
  alice.send({ type: 'LEAVE' })
  await stage.settle()
  await stage.get('/peerjs/peers')
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'from nobody' })
  await stage.settle()
  await stage.enter('alice', { token: 'another', as: 'heir' })
}, [differs.leavesForGood('alice', 'bob')])

same('bad frames leave the socket open as with the original', {}, async (stage) => {
  const alice = await stage.enter('alice')
  for (const frame of [
    'hello',
    '',
    'null',
    '[]',
    '1',
    '{}',
    '{"type":5}',
    '{"type":"NONSENSE","dst":"alice"}',
    '{"type":"OPEN"}',
    '{"type":"OFFER"}',
    '{"type":"EXPIRE","dst":""}'
  ]) {
    alice.send(frame)
  }
  await stage.settle()
  alice.send({ type: 'OFFER', dst: 'alice', payload: 'still here' })
}, [differs.tellsBadFrames(
  'alice',
  1,
  ...Array<string>(6).fill('Invalid message'),
  'Unknown message type: NONSENSE',
  'Unknown message type: OPEN',
  'Missing dst',
  'Missing dst'
)])

same('a silent peer is closed as by the original, one that sends heartbeats stays', { alive_timeout: 2000 }, async (stage) => {
  const alice = await stage.enter('alice')
  const beat = setInterval(() => alice.send({ type: 'HEARTBEAT' }), 100)
  await stage.enter('bob')
  await stage.closed('bob')
  clearInterval(beat)
  await stage.get('/peerjs/peers')
  await stage.enter('bob', { token: 'another', as: 'heir' })
}, [differs.closesSilent('bob')])

same('a peer that sends frames but no heartbeats stays, which the original closes', { alive_timeout: 2000 }, async (stage) => {
  const alice = await stage.enter('alice')
  const call = setInterval(() => alice.send({ type: 'LEAVE', dst: 'nobody' }), 100)
  await stage.enter('bob')
  await stage.closed('bob')
  clearInterval(call)
}, [differs.closesSilent('bob'), differs.framesAreLife('alice')])

same('a mailbox takes 256 frames of one sender as the original does, and no more', {}, async (stage) => {
  const alice = await stage.enter('alice')
  for (let n = 0; n < 257; n++) alice.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  await stage.settle()
  await stage.enter('bob')
}, [differs.expiresPastBound('alice', 1, 'bob')])

same('ids that are too long or hold control characters are refused, which the original takes', {}, async (stage) => {
  await stage.enter('x'.repeat(256), { as: 'long' })
  await stage.enter('x'.repeat(257), { as: 'longer' })
  await stage.enter('a\nb', { as: 'two lines' })
}, [differs.refusesId('longer'), differs.refusesId('two lines')])

same('the HTTP endpoints answer as the original’s', { allow_discovery: false }, async (stage) => {
  await stage.get('/')
  await stage.get('/peerjs/id')
  await stage.get('/peerjs/id?ts=17637558270.5&version=1.5.5')
  await stage.get('/peerjs/peers')
}, [differs.idIsPlainText, differs.refusesDiscovery])

same('the peers are listed as by the original', {}, async (stage) => {
  await stage.get('/peerjs/peers')
  await stage.enter('alice')
  await stage.enter('b "ü" 😀', { as: 'bob' })
  await stage.get('/peerjs/peers')
  await stage.leaves('alice')
  await stage.get('/peerjs/peers')
})

same('a wrong key is refused over HTTP, which the original takes', { key: 'secret' }, async (stage) => {
  await stage.get('/')
  await stage.get('/secret/id')
  await stage.get('/secret/peers')
  await stage.get('/peerjs/id')
  await stage.get('/peerjs/peers')
}, [differs.idIsPlainText, differs.refusesKey('peerjs')])

for (const path of ['/my/app', '/my/app/']) {
  same(`under the path ${path} all is as with the original`, { path }, async (stage) => {
    await stage.get('/my/app')
    await stage.get('/my/app/')
    await stage.get('/my/app/peerjs/id')
    await stage.get('/my/app/peerjs/peers')
    const alice = await stage.enter('alice', { base: '/my/app' })
    await stage.enter('bob', { base: '/my/app' })
    alice.send({ type: 'OFFER', dst: 'bob', payload: 1 })
  }, [differs.idIsPlainText])
}
