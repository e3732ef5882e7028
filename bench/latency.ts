import type { Bench, Case } from './bench.js'
import { latencyFigures, relayPairs } from './pairs.js'
import { bare, dialects, type Protocol } from './protocols.js'
import { type Server, startOther, startSignalbox } from './servers.js'

const payloadBytes = 1500
const perSecond = 500
const figure = 'p99, ms'
const parsing = '`ws`, parsing'

const nothing = () => () => {}

/** A single pair leaves the server idle most of the time, so what else the machine does shows here first. */
export const latency: Bench = {
  name: 'latency',
  title: `Latency of one pair, ${perSecond} signals a second`,
  figure,
  async prepare ({ keep, warmUpMs, ...options }) {
    // A percentile of the tail differs from turn to turn by a factor of ten, whoever is measured: many short turns, and the
    // median of them. It hides stalls that come in fewer than half of the turns, of all servers alike.
    const measureMs = options.measureMs / 4
    const rounds = options.rounds * 6
    const add = async (name: string, protocol: Protocol, starting: Promise<Server>, compared: Pick<Case, 'baseline' | 'goal'> = {}): Promise<Case> => {
      const { url } = await keep(starting)
      const load = { from: url, to: url, protocol, pairs: 1, payloadBytes, window: 1, warmUpMs: 100 }
      // At this rate code would stay cold for long.
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
