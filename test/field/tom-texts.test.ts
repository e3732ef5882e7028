import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { Client, Frame } from '../helper.js'
import { join } from '../routes/tom/nodes.js'
import { buildInVirtualTime, type InVirtualTime } from '../virtual-time.js'

interface Envelope {
  readonly id: number
  readonly payload: object
}

/** A text as the original's SDK sends it when it has no data channel: through the signaling socket, in an envelope. */
function textOf (id: number, payload: object): Frame {
  const envelope = {
    id,
    from: 'alice',
    to: 'bob',
    via: ['relay'],
    type: 'chat',
    payload,
    timestamp: 1_764_000_000_000,
    signature: '',
    hopTimestamps: [1_764_000_000_000],
    routeType: 'relay'
  }
  return { type: 'signal', from: 'alice', to: 'bob', payload: { type: 'message', envelope } }
}

/** A text in the form that the SDK encrypts it to: hexadecimal digits, two for each byte and each of the 16 of its tag. */
function encrypted (text: string): object {
  const digits = (bytes: number) => randomBytes(bytes).toString('hex')
  const { length } = Buffer.from(JSON.stringify({ text }))
  return { ciphertext: digits(length + 16), nonce: digits(24), ephemeralPublicKey: digits(32) }
}

const envelopeIn = ({ payload }: Frame) => (payload as { envelope: Envelope }).envelope

/** So many texts, which come within a minute by the clock of the app. */
async function textsOf (client: Client, count: number, passUntil: InVirtualTime['passUntil']): Promise<Frame[]> {
  const got: Frame[] = []
  await passUntil(() => {
    got.push(...client.taken().filter(({ type }) => type === 'signal'))
    return got.length === count
  }, 60_000)
  return got
}

async function pair (t: Test, app: FastifyInstance): Promise<{ alice: Client, bob: Client }> {
  const alice = await join(t, app, 'alice')
  return { alice, bob: await join(t, app, 'bob') }
}

for (const [kind, form] of [['plain', (text: string) => ({ text })], ['encrypted', encrypted]] as const) {
  t.test(`tom: ten ${kind} texts of 500 000 characters in a row arrive, in order`, async (t) => {
    const { app, passUntil } = await buildInVirtualTime(t, {}, 100)
    const { alice, bob } = await pair(t, app)
    const texts = Array.from({ length: 10 }, (_, id) => textOf(id, form(String(id).padEnd(500_000, 'x'))))
    for (const text of texts) alice.send(text)
    const got = await textsOf(bob, texts.length, passUntil)
    for (const [at, text] of texts.entries()) t.ok(JSON.stringify(got[at]) === JSON.stringify(text), `text ${at}`)
    t.same(alice.taken().filter(({ type }) => type === 'error'), [])
  })
}

t.test('tom: 5 000 texts in a row arrive, in order', async (t) => {
  const { app, passUntil } = await buildInVirtualTime(t, {}, 100)
  const { alice, bob } = await pair(t, app)
  for (let id = 0; id < 5_000; id++) alice.send(textOf(id, { text: `text ${id}` }))
  const got = await textsOf(bob, 5_000, passUntil)
  t.same(got.map((frame) => envelopeIn(frame).id), got.map((_, id) => id))
  t.same(alice.taken().filter(({ type }) => type === 'error'), [])
})
