import { type Bench, type Case, type Row, valuesOf } from './bench.js'
import { type Figures, median } from './figures.js'
import { latencyFigures, relayPairs } from './pairs.js'
import { dialects } from './protocols.js'
import { type Server, startRedis, startSignalbox } from './servers.js'

const payloadBytes = 1500
const figure = 'CPU of the nodes, µs/message'
const perSecond = 10_000

/** Loads: as fast as possible, a single signal at a time, and the rate that two nodes must carry. */
const loads = [
  { name: '100 pairs, 8 in flight each', pairs: 100, window: 8, goal: 3 },
  { name: '1 pair, 1 in flight', pairs: 1, window: 1 },
  { name: `100 pairs, ${perSecond} a second`, pairs: 100, window: 1, perSecond }
]

/** All cases use the same two nodes and Redis. The four processes are not pinned to cores. */
export const nodes: Bench = {
  name: 'nodes',
  title: 'Relay inside one node, and between two nodes on one Redis (tom)',
  figure,
  async prepare ({ keep, warmUpMs, measureMs }) {
    const redis = await keep(startRedis())
    const start = async (): Promise<Server> => await keep(startSignalbox({ env: { REDIS_URL: redis.url }, isFree: true }))
    const [one, two] = [await start(), await start()]
    const cpu = (): { nodes: number, redis: number } => ({ nodes: one.cpu() + two.cpu(), redis: redis.cpu() })

    const measure = (to: Server, load: Omit<typeof loads[0], 'name' | 'goal'>) => async (): Promise<Figures> => {
      const measured = await relayPairs({
        ...load,
        protocol: dialects.tom,
        from: one.url,
        to: to.url,
        payloadBytes,
        warmUpMs,
        measureMs
      }, () => {
        const before = cpu()
        return () => ({ nodes: cpu().nodes - before.nodes, redis: cpu().redis - before.redis })
      })
      const { messages, seconds, span } = measured
      return {
        [figure]: span.nodes * 1e6 / messages,
        'CPU of Redis, µs/message': span.redis * 1e6 / messages,
        'messages/s': messages / seconds,
        ...latencyFigures(measured)
      }
    }

    return {
      setting: { payloadBytes, warmUpMs, measureMs },
      cases: loads.flatMap(({ name, goal, ...load }): Case[] => [
        { name: inside(name), measure: measure(one, load) },
        { name: between(name), baseline: inside(name), ...(goal !== undefined && { goal }), measure: measure(two, load) }
      ]),
      checks: (rows) => [
        { name: 'messages a second between two nodes', value: middle(rows, loads[0]?.name, 'messages/s'), atLeast: perSecond },
        { name: `p99 between two nodes at ${perSecond} messages a second, ms`, value: middle(rows, loads[2]?.name, 'p99, ms'), atMost: 5 }
      ]
    }
  }
}

function inside (load: string | undefined): string {
  return `inside one node: ${load}`
}

function between (load: string | undefined): string {
  return `between two nodes: ${load}`
}

function middle (rows: readonly Row[], load: string | undefined, figure: string): number {
  return median(rows.filter(({ name }) => name === between(load)).flatMap((row) => valuesOf(row, figure)))
}
