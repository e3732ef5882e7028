import { type Bench, type Case, inTurns, type Row } from './bench.js'
import { type Figures, median } from './figures.js'
import { latencyFigures, relayPairs } from './pairs.js'
import { dialects } from './protocols.js'
import { type Server, startRedis, startSignalbox } from './servers.js'

const payloadBytes = 1500
const figure = 'CPU of the nodes, µs/message'
const perSecond = 10_000

/** How much is on its way: as much as goes, a single signal at a time, and as many a second as two nodes must carry. */
const loads = [
  { name: '100 pairs, 8 on their way each', pairs: 100, window: 8, goal: 3 },
  { name: '1 pair, 1 on its way', pairs: 1, window: 1 },
  { name: `100 pairs, ${perSecond} a second`, pairs: 100, window: 1, perSecond }
]

/** The same two nodes and Redis for all cases, which take turns. The four processes share all cores as they like. */
export const nodes: Bench = {
  name: 'nodes',
  title: 'Relay inside one node, and between two nodes on one Redis (tom)',
  async run ({ rounds, warmUpMs, measureMs, log }) {
    const servers: Server[] = []
    try {
      const redis = await startRedis()
      servers.push(redis)
      const [one, two] = await Promise.all([1, 2].map(async () => await startSignalbox({ env: { REDIS_URL: redis.url }, isFree: true }))) as [Server, Server]
      servers.push(one, two)
      const cases = loads.flatMap(({ name, goal, ...load }): Case[] => {
        const measure = (to: Server) => async (): Promise<Figures> => {
          const cpu: Array<[nodes: number, redis: number]> = []
          const onEdge = (): void => { cpu.push([one.cpu() + two.cpu(), redis.cpu()]) }
          const measured = await relayPairs({ ...load, protocol: dialects.tom, from: one.url, to: to.url, payloadBytes, warmUpMs, measureMs, onEdge })
          const { messages, seconds } = measured
          const [[nodesBefore, redisBefore], [nodesAfter, redisAfter]] = cpu as [[number, number], [number, number]]
          return {
            [figure]: (nodesAfter - nodesBefore) * 1e6 / messages,
            'CPU of Redis, µs/message': (redisAfter - redisBefore) * 1e6 / messages,
            'messages/s': messages / seconds,
            ...latencyFigures(measured)
          }
        }
        const inside = `inside one node: ${name}`
        return [
          { name: inside, measure: measure(one) },
          { name: between(name), baseline: inside, ...(goal !== undefined && { goal }), measure: measure(two) }
        ]
      })
      const rows = await inTurns(cases, rounds, log, figure)
      return {
        setting: { payloadBytes, rounds, warmUpMs, measureMs },
        figure,
        rows,
        checks: [
          { name: 'messages a second between two nodes', value: middle(rows, loads[0]?.name, 'messages/s'), atLeast: perSecond },
          { name: `p99 at ${perSecond} messages a second between two nodes, ms`, value: middle(rows, loads[2]?.name, 'p99, ms'), atMost: 5 }
        ]
      }
    } finally {
      for (const server of servers.reverse()) await server.end()
    }
  }
}

function between (name: string | undefined): string {
  return `between two nodes: ${name}`
}

function middle (rows: readonly Row[], load: string | undefined, figure: string): number {
  const row = rows.find(({ name }) => name === between(load))
  return median(row?.rounds.map((figures) => figures[figure] ?? NaN) ?? [])
}
