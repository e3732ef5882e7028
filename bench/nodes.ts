import { type Bench, type Figures, medians } from './bench.js'
import { relayPairs } from './pairs.js'
import { type Process, startNode, startRedis } from './servers.js'

const payloadBytes = 1500

/** How much is on its way: as much as goes, and a single signal at a time. */
const loads = [
  { name: '100 pairs, 8 on their way each', pairs: 100, window: 8 },
  { name: '1 pair, 1 on its way', pairs: 1, window: 1 }
]

/** The same two nodes and Redis for all cases, which take turns: A B A B. */
export const nodes: Bench = {
  name: 'nodes',
  title: 'Relay inside one node, and between two nodes on one Redis',
  async run ({ rounds, warmUpMs, measureMs, log }) {
    const processes: Process[] = []
    try {
      const redis = await startRedis()
      processes.push(redis)
      const [one, two] = await Promise.all([1, 2].map(async () => await startNode({ REDIS_URL: redis.url }))) as [Process, Process]
      processes.push(one, two)
      const ways = [{ name: 'inside one node', to: one }, { name: 'between two nodes', to: two }]
      const cases = loads.flatMap((load) => ways.map((way) => ({ ...load, to: way.to, name: `${way.name}: ${load.name}` })))
      const measured: Record<string, Figures[]> = Object.fromEntries(cases.map(({ name }) => [name, []]))
      for (let round = 1; round <= rounds; round++) {
        for (const { name, to, pairs, window } of cases) {
          const cpu: Array<[nodes: number, redis: number]> = []
          const onEdge = () => { cpu.push([one.cpu() + two.cpu(), redis.cpu()]) }
          const { messages, seconds, p50, p99 } = await relayPairs({ from: one.url, to: to.url, pairs, payloadBytes, window, warmUpMs, measureMs, onEdge })
          const [[nodesBefore, redisBefore], [nodesAfter, redisAfter]] = cpu as [[number, number], [number, number]]
          const figures = {
            'messages/s': messages / seconds,
            'CPU of the nodes, µs/message': (nodesAfter - nodesBefore) * 1e6 / messages,
            'CPU of Redis, µs/message': (redisAfter - redisBefore) * 1e6 / messages,
            'p50, ms': p50,
            'p99, ms': p99
          }
          measured[name]?.push(figures)
          log(`round ${round}, ${name}: ${Math.round(figures['messages/s'])} messages/s`)
        }
      }
      return {
        setting: { payloadBytes, rounds, warmUpMs, measureMs },
        medians: Object.fromEntries(Object.entries(measured).map(([name, figures]) => [name, medians(figures)])),
        rounds: measured
      }
    } finally {
      for (const process of processes.reverse()) await process.end()
    }
  }
}
