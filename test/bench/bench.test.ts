import t from 'tap'
import { type Bench, measure } from '../../bench/bench.js'
import { medianInterval } from '../../bench/figures.js'

/** A bench whose second case takes so many times what the first does, round by round. */
function benchOf (ratios: readonly number[], rounds?: number): Bench {
  let round = 0
  return {
    name: 'test',
    title: 'Test',
    figure: 'ms',
    prepare: async () => ({
      setting: {},
      ...(rounds !== undefined && { rounds }),
      cases: [
        { name: 'base', measure: async () => ({ ms: 100 }) },
        { name: 'other', baseline: 'base', measure: async () => ({ ms: 100 * (ratios[round++ % ratios.length] ?? NaN) }) }
      ]
    })
  }
}

const options = { rounds: 5, mostRounds: 40, warmUpMs: 0, measureMs: 0, churnMs: 0, isSmall: false, node: undefined }
const roundsOf = async (bench: Bench) => (await measure(bench, options, () => {})).setting.rounds

t.test('a bench is measured until each ratio is known to within 10 %, and says how many rounds that took', async (t) => {
  t.equal(await roundsOf(benchOf([0.5])), 6, 'a steady one, as soon as so few can tell')
  const noisy = await roundsOf(benchOf([0.5, 0.4, 0.52, 0.48, 0.7, 0.51, 0.49])) as number
  t.ok(noisy > 6 && noisy < 40, `a noisy one takes ${noisy}`)
  t.equal(await roundsOf(benchOf([0.1, 1, 0.3, 3])), 40, 'one that cannot be known ends all the same')
  t.equal(await roundsOf(benchOf([0.1, 1, 0.3, 3], 3)), 3, 'and one that takes long has a number of its own')
})

t.test('the interval of a median holds it in 19 of 20 cases', async (t) => {
  t.same(medianInterval([1, 2]), { least: -Infinity, most: Infinity }, 'two say nothing')
  let held = 0
  const cases = 2_000
  for (let at = 0; at < cases; at++) {
    const { least, most } = medianInterval(Array.from({ length: 15 }, Math.random))
    if (least <= 0.5 && most >= 0.5) held++
  }
  t.ok(held / cases > 0.93 && held / cases < 0.995, `${held / cases}`)
})
