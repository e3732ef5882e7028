import type { Bench, Case } from './bench.js'
import { latencyFigures, relayPairs } from './pairs.js'
import { bare, dialects, type Protocol } from './protocols.js'
import { type Server, startOther, startSignalbox } from './servers.js'

const payloadBytes = 1500
const perSecond = 500
const figure = 'p99, ms'
const parsing = '`ws`, parsing'

const nothing = () => () => {}

/** A single pair leaves the server idle most of the time, so other work on the machine shows here first. */
export const latency: Bench = {
  name: 'latency',
  title: `Latency of one pair, ${perSecond} signals a second`,
  figure,
  async prepare ({ keep, warmUpMs, ...options }) {
    // A tail percentile varies by a factor of ten from turn to turn, for every server. So there are many short turns, and their
    // median counts. It hides stalls that occur in fewer than half of the turns, for all servers alike.
    const measureMs = options.measureMs / 4
    const rounds = options.rounds * 6
    const add = async (
      name: string,
      protocol: Protocol,
      starting: Promise<Server>,
      compared: Pick<Case, 'baseline' | 'goal'> = {}
    ): Promise<Case> => {
      const { url } = await keep(starting)
      const load = { from: url, to: url, protocol, pairs: 1, payloadBytes, window: 1, warmUpMs: 100 }
      // Warm-up at full speed: at this rate it would take long.
      await relayPairs({ ...load, warmUpMs, measureMs: 1 }, nothing)
      return { name, ...compared, measure: async () => latencyFigures(await relayPairs({ ...load, perSecond, measureMs }, nothing)) }
    }
    const cases = [await add(parsing, bare, startOther('parsing'))]
    for (const [dialect, protocol] of Object.entries(dialects)) {
      cases.push(await add(`Signalbox, ${dialect}`, protocol, startSignalbox(), { baseline: parsing, goal: 1.1 }))
    }
    return { setting: { payloadBytes, perSecond, measureMs }, rounds, cases }
  }
}
