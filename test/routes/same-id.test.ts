import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { build, totals } from '../helper.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { subjects } from './dialects.js'

/** One peer of an id in every dialect that has ids, all on one server. */
async function enterEverywhere (t: Test, app: Awaited<ReturnType<typeof build>>, id: string): Promise<Actor[]> {
  const actors = []
  for (const subject of addressed) actors.push(await enter(t, app, subject, id))
  return actors
}

const addressed = subjects.filter(({ addressing }) => addressing !== undefined)

t.test('peers of one id in different dialects never meet', async (t) => {
  const app = await build(t, { DIALECTS: 'all' })
  const anns = await enterEverywhere(t, app, 'ann')
  const bens = await enterEverywhere(t, app, 'ben')
  t.equal(totals(app).peers, 2 * addressed.length, 'nobody took the place of anybody')
  for (const [at, ann] of anns.entries()) ann.signal('ben', addressed[at]?.name)
  for (const ann of anns) await ann.settle()
  for (const [at, ben] of bens.entries()) {
    const subject = addressed[at] as typeof addressed[number]
    const signals = (await ben.settle()).filter((frame) => subject.received(frame) !== undefined)
    t.same(signals.map((frame) => subject.received(frame)), [{ sender: 'ann', load: subject.name }])
  }
})

t.test('a peer of one dialect is nobody in the others', async (t) => {
  for (const { name } of addressed) {
    const app = await build(t, { DIALECTS: 'all', PEERJS_EXPIRE_TIMEOUT: '500' })
    for (const subject of addressed) {
      if (subject.name === name) await enter(t, app, subject, 'ben')
    }
    for (const subject of addressed) {
      if (subject.name === name) continue
      const ann = await enter(t, app, subject, 'ann')
      ann.signal('ben', 1)
      const expected = subject.addressing?.vanished('ann', 'ben')
      t.same(
        await ann.client.nextThat((frame) => isDeepStrictEqual(frame, expected) || subject.isError(frame)),
        expected,
        `${subject.name} does not know the peer of ${name}`
      )
    }
  }
})
