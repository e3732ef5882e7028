import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { build, connect, type Frame } from '../helper.js'

/** Ids that JSON escapes, that are more bytes than characters, and ordinary ones. */
const names = ['alice', 'a"b\\c', 'zoë 😀', '","source_id":"x']
const env = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }
const numRuns = 150

interface Pair {
  /** Sends text as the first of them; answers what the second gets. */
  readonly relay: (text: string) => Promise<Frame>
  /** A frame with this payload, as clients of the dialect write it. */
  readonly frame: (payload: unknown) => Frame
}

const pairs: { [dialect: string]: (t: Test, from: string, to: string) => Promise<Pair> } = {
  async psync (t, from, to) {
    const app = await build(t, env)
    const [one, other] = [await connect(t, app, '/psync/ws'), await connect(t, app, '/psync/ws')]
    for (const [client, id] of [[one, from], [other, to]] as const) {
      client.send({ type: 'register', source_id: id, payload: { peer_id: id, group_id: 'g' } })
      await client.nextOf('peer_list')
    }
    return {
      frame: (payload) => ({ type: 'offer', source_id: from, target_id: to, payload }),
      async relay (text) { one.send(text); return await other.nextOf('offer') }
    }
  },
  async peerjs (t, from, to) {
    const app = await build(t, env)
    const [one, other] = [await connect(t, app, `/peerjs?key=peerjs&token=t&id=${encodeURIComponent(from)}`), await connect(t, app, `/peerjs?key=peerjs&token=t&id=${encodeURIComponent(to)}`)]
    for (const client of [one, other]) await client.nextOf('OPEN')
    return {
      frame: (payload) => ({ type: 'OFFER', payload, dst: to }),
      async relay (text) { one.send(text); return await other.nextOf('OFFER') }
    }
  },
  async rooms (t) {
    const app = await build(t, env)
    const [one, other] = [await connect(t, app, '/rooms'), await connect(t, app, '/rooms')]
    one.send({ type: 'create' })
    const { roomId } = await one.nextOf('room_created')
    other.send({ type: 'join', roomId })
    await other.nextOf('room_joined')
    return {
      frame: (payload) => ({ type: 'signal', payload }),
      async relay (text) { one.send(text); return await other.nextOf('signal') }
    }
  },
  async drone (t, from, to) {
    const app = await build(t, env)
    const [one, other] = [await connect(t, app, '/drone'), await connect(t, app, '/drone')]
    for (const [client, id] of [[one, from], [other, to]] as const) {
      client.send({ type: 'register', id })
      await client.nextOf('registered')
    }
    let at = 0
    return {
      frame: (sdp) => ({ type: 'offer', target: to, sdp: { sdp }, ...(++at % 2 === 0 && { sessionId: 'one' }) }),
      async relay (text) {
        one.send(text)
        const { timestamp, sessionId, ...rest } = await other.nextOf('offer')
        t.match(timestamp, /^\d{4}-\d\d-\d\dT.*Z$/)
        t.ok(text.includes('sessionId') ? sessionId === 'one' : /^session-/.test(String(sessionId)))
        return rest
      }
    }
  }
}

for (const [dialect, make] of Object.entries(pairs)) {
  t.test(`${dialect}: what is passed on by its bytes is what would be serialised anew`, async (t) => {
    for (const [at, from] of names.entries()) {
      const { frame, relay } = await make(t, from, names[(at + 1) % names.length] as string)
      await fc.assert(fc.asyncProperty(fc.jsonValue(), async (payload) => {
        const sent = frame(payload)
        const asClientsDo = await relay(JSON.stringify(sent))
        const passed = await relay(JSON.stringify({ ...sent, more: 1 }))
        if (!isDeepStrictEqual(asClientsDo, passed)) throw new Error(`${JSON.stringify(asClientsDo)} and ${JSON.stringify(passed)}`)
        const spaced = await relay(`${JSON.stringify(sent, null, 1)}\n`)
        if (!isDeepStrictEqual(spaced, passed)) throw new Error(`${JSON.stringify(spaced)} and ${JSON.stringify(passed)}`)
      }), { numRuns: Math.ceil(numRuns / names.length) })
    }
  })

  t.test(`${dialect}: a member written twice counts as JSON.parse takes it, also in what is passed on`, async (t) => {
    const { frame, relay } = await make(t, 'alice', 'bob')
    const once = JSON.stringify(frame('second'))
    const [name] = /"(?:payload|sdp)":/.exec(once) ?? []
    t.same(await relay(once.replace(name as string, `${name}{"a":"first"},${name}`)), await relay(once))
  })
}

t.test('psync: a sender written twice reaches nobody as somebody else', async (t) => {
  const app = await build(t, env)
  const [alice, bob] = [await connect(t, app, '/psync/ws'), await connect(t, app, '/psync/ws')]
  for (const [client, id] of [[alice, 'alice'], [bob, 'bob']] as const) {
    client.send({ type: 'register', source_id: id, payload: { peer_id: id, group_id: 'g' } })
    await client.nextOf('peer_list')
  }
  const [first, last, once] = ['"source_id":"mallory"', '"source_id":"alice"', '"target_id":"bob","payload":1']
  for (const text of [`{"type":"offer",${first},${once},${last}}`, `{"type":"offer",${once},"\\u0073ource_id":"mallory",${last}}`]) {
    const raw = new Promise<string>((resolve) => bob.socket.once('message', (data) => resolve(String(data))))
    alice.send(text)
    t.notMatch(await raw, 'mallory')
  }
})
