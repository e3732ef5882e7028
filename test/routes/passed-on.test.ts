import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { DefaultDialectName } from '../../src/settings.js'
import { build, type Frame } from '../helper.js'
import type { ClientDialect } from '../../src/testing/dialect.js'
import { clients } from '../../src/testing/clients.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from './dialects.js'

/** Ids that JSON escapes, that are more bytes than characters, and ordinary ones. */
const names = ['alice', 'a"b\\c', 'zoë 😀', '","source_id":"x']
const env = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }
const numRuns = 150

/** Two peers, of which the first signals to the second. */
interface Pair {
  readonly alice: Actor
  readonly bob: Actor
  /** Sends text as the first of them; answers what the second gets. */
  readonly relay: (text: string) => Promise<Frame>
  /** A frame with this payload, as clients of the dialect write it. */
  readonly frame: (payload: unknown) => Frame
}

/** tom passes on members it does not know, so there a frame with one more is another frame. */
const subjects = builtIn.filter(({ name }) => name !== 'tom')

async function pairOf (t: Test, subject: Subject, from: string, to: string): Promise<Pair> {
  const app = await build(t, env)
  const dialect: ClientDialect = clients[subject.name as DefaultDialectName]
  const alice = await enter(t, app, subject, from)
  const bob = await enter(t, app, subject, to, { place: alice.place })
  let at = 0
  return {
    alice,
    bob,
    frame (payload) {
      if (dialect !== clients.drone) return dialect.offer(from, to, payload)
      return dialect.offer(from, to, { sdp: payload }, { session: ++at % 2 === 0 ? 'one' : undefined })
    },
    async relay (text) {
      alice.send(text)
      const frame = await bob.client.nextThat((frame) => dialect.received(frame) !== undefined)
      if (dialect !== clients.drone) return frame
      const { timestamp, sessionId, ...rest } = frame
      t.match(timestamp, /^\d{4}-\d\d-\d\dT.*Z$/)
      t.ok(text.includes('sessionId') ? sessionId === 'one' : /^session-/.test(String(sessionId)))
      return rest
    }
  }
}

for (const subject of subjects) {
  t.test(`${subject.name}: what is passed on by its bytes is what would be serialised anew`, async (t) => {
    for (const [at, from] of names.entries()) {
      const { frame, relay } = await pairOf(t, subject, from, names[(at + 1) % names.length] as string)
      await fc.assert(fc.asyncProperty(fc.jsonValue(), async (payload) => {
        const sent = frame(payload)
        const asClientsDo = await relay(JSON.stringify(sent))
        for (const text of [JSON.stringify({ ...sent, more: 1 }), `${JSON.stringify(sent, null, 1)}\n`]) {
          const composed = await relay(text)
          if (isDeepStrictEqual(asClientsDo, composed)) continue
          throw new Error(`${JSON.stringify(asClientsDo)} and, of ${text}, ${JSON.stringify(composed)}`)
        }
      }), { numRuns: Math.ceil(numRuns / names.length) })
    }
  })

  t.test(`${subject.name}: a member written twice counts as JSON.parse takes it, also in what is passed on`, async (t) => {
    const { frame, relay } = await pairOf(t, subject, 'alice', 'bob')
    const once = JSON.stringify(frame('second'))
    const [name] = /"(?:payload|sdp)":/.exec(once) ?? []
    t.same(await relay(once.replace(name as string, `${name}{"a":"first"},${name}`)), await relay(once))
  })
}

t.test('psync: a sender written twice reaches nobody as somebody else', async (t) => {
  const psync = builtIn.find(({ name }) => name === 'psync') as Subject
  const { alice, bob } = await pairOf(t, psync, 'alice', 'bob')
  const [first, last, once] = ['"source_id":"mallory"', '"source_id":"alice"', '"target_id":"bob","payload":1']
  for (const text of [`{"type":"offer",${first},${once},${last}}`, `{"type":"offer",${once},"\\u0073ource_id":"mallory",${last}}`]) {
    const raw = new Promise<string>((resolve) => bob.client.socket.once('message', (data) => resolve(String(data))))
    alice.send(text)
    t.notMatch(await raw, 'mallory')
  }
})
