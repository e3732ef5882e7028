import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { type TSchema, Type } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import fc, { type Arbitrary } from 'fast-check'
import t from 'tap'
import { build, connect, type Frame, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, further, optional } from './dialects.js'
import { anyBytes, anyJson, mutated } from './shots.js'
import { type Outcome, type Shot, volley } from './volley.js'

const numRuns = 60
const maxShots = 40

/** Nothing here is about rates: pings count as frames, and rooms would bar an address that guesses. */
const env = {
  MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', TRUST_PROXY: 'true', PSYNC_PEER_LEFT: 'true', PEERJS_EXPIRE_TIMEOUT: '500'
}

let addresses = 0
/** Another network each time: guesses count by /64. */
const elsewhere = () => ({ headers: { 'x-forwarded-for': `fd00:0:0:${(++addresses).toString(16)}::1` } })

/** Closes that frames may bring about: RFC 6455 wants 1007 for text that is not UTF-8. */
function assertClose (code: number | undefined, shots: readonly Shot[], others: readonly number[] = []): void {
  const isBroken = shots.some(({ data, binary }) => !binary && !isUtf8(data))
  assert.ok(code === undefined || others.includes(code) || (isBroken && code === 1007), `closed with ${code}`)
}

/** An answer may come late, where a registration waits for others, and never early. */
function assertAnswers ({ answers }: Outcome, outgoing: TypeCheck<TSchema>, isError: (frame: Frame) => boolean): void {
  let errors = 0
  for (const [at, frames] of answers.entries()) {
    errors += frames.filter(isError).length
    assert.ok(errors <= at + 1, `more than one error for one frame: ${JSON.stringify(frames)}`)
    assertValid(frames, outgoing)
  }
}

function assertValid (frames: readonly Frame[], outgoing: TypeCheck<TSchema>): void {
  for (const frame of frames) assert.ok(outgoing.Check(frame), `not what a client may get: ${JSON.stringify(frame)}`)
}

const kinds = (samples: readonly Frame[]): Array<[kind: string, shots: Arbitrary<Shot>]> =>
  [['any JSON', anyJson], ['any bytes', anyBytes], ['any change to a valid frame', mutated(samples)]]

for (const subject of [...builtIn, ...optional, ...further]) {
  const outgoing = TypeCompiler.Compile(subject.outgoing)
  for (const [kind, shot] of kinds(subject.samples('probe', 'witness'))) {
    t.test(`${subject.name}: ${kind} gets at most one error, and nothing that a client may not get`, async (t) => {
      const app = await build(t, { ...subject.env, ...env })
      const witness = await enter(t, app, subject, 'witness')
      await fc.assert(fc.asyncProperty(fc.array(shot, { minLength: 1, maxLength: maxShots }), async (shots) => {
        const place = subject.endsTogether === true ? undefined : witness.place
        const probe = await enter(t, app, subject, 'probe', { place, options: elsewhere() })
        const outcome = await volley(probe.client, shots)
        assertClose(outcome.code, shots)
        assertAnswers(outcome, outgoing, subject.isError)
        if (outcome.code === undefined) await probe.client.close()
        assertValid(await witness.settle(), outgoing)
      }), { numRuns })
      t.equal((await fetch(`${urlOf(app)}/health`)).status, 200)
    })
  }
}

const chosen = builtIn.filter(({ name }) => name !== 'peerjs')
const unknownDialect = 'unknown dialect'
const UnknownSchema = Type.Object({
  type: Type.Literal('error'),
  error: Type.Literal(unknownDialect),
  message: Type.Literal(unknownDialect)
}, { additionalProperties: false })
const anyOutgoing = TypeCompiler.Compile(Type.Union([UnknownSchema, ...chosen.map(({ outgoing }) => outgoing)]))

for (const [kind, shot] of kinds(chosen.flatMap(({ samples }) => samples('probe', 'witness')))) {
  t.test(`the bare root: ${kind} gets at most one error, and nothing that a client may not get`, async (t) => {
    const app = await build(t, env)
    await fc.assert(fc.asyncProperty(fc.array(shot, { minLength: 1, maxLength: maxShots }), async (shots) => {
      const probe = await connect(t, app, '/', elsewhere())
      const outcome = await volley(probe, shots)
      const unknown = outcome.answers.flat().filter(({ error }) => error === unknownDialect)
      assertClose(outcome.code, shots, unknown.length === 3 ? [1008] : [])
      assertAnswers(outcome, anyOutgoing, ({ type }) => type === 'error')
      if (outcome.code === undefined) await probe.close()
    }), { numRuns })
    t.equal((await fetch(`${urlOf(app)}/health`)).status, 200)
  })
}
