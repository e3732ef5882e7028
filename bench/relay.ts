import { type Bench, type BenchOptions, type Case, inTurns, type Result } from './bench.js'
import type { Figures } from './figures.js'
import { type Load, relayPairs } from './pairs.js'
import { bare, dialects, peer, type Protocol } from './protocols.js'
import { type Server, startOther, startSignalbox } from './servers.js'
import { loadShare, serverShare } from './table.js'

const payloadBytes = 1500
const pairs = 100
const figure = 'CPU, µs/message'
const parsing = '`ws`, parsing'

/** 200 clients in 100 pairs, with so many signals of each pair on their way. */
function relayWith (name: string, window: number, goals: Record<keyof typeof dialects, number>): Bench {
  return {
    name,
    title: `Relay: 100 pairs, ${payloadBytes} bytes, ${window === 1 ? 'one signal of each' : `${window} signals of each`} on its way`,
    async run (options: BenchOptions): Promise<Result> {
      const servers: Server[] = []
      const measured = async (server: Server, protocol: Protocol) => await relayFigures(server, { protocol, window, ...options })
      const add = async (name: string, protocol: Protocol, starting: Promise<Server>, compared: Pick<Case, 'baseline' | 'goal'> = {}): Promise<Case> => {
        const server = await starting
        servers.push(server)
        return { name, ...compared, measure: async () => await measured(server, protocol) }
      }
      try {
        const cases = [await add(parsing, bare, startOther('parsing'))]
        for (const [name, protocol] of Object.entries(dialects)) {
          cases.push(await add(`Signalbox, ${name}`, protocol, startSignalbox(), { baseline: parsing, goal: goals[name as keyof typeof dialects] }))
        }
        if (!options.isSmall) {
          cases.push(await add('npm `peer`', peer, startOther('peer'), { baseline: parsing }))
          cases.push(await add('`ws`, raw buffers', bare, startOther('raw'), { baseline: parsing }))
        }
        const { node } = options
        if (node !== undefined) {
          cases.push(await add('`ws`, parsing, other Node', bare, startOther('parsing', { node }), { baseline: parsing }))
          cases.push(await add('Signalbox, tom, other Node', dialects.tom, startSignalbox({ node }), { baseline: 'Signalbox, tom' }))
        }
        const rows = await inTurns(cases, options.rounds, options.log, figure)
        return { setting: { payloadBytes, pairs, window, rounds: options.rounds, warmUpMs: options.warmUpMs, measureMs: options.measureMs }, figure, rows }
      } finally {
        for (const server of servers) await server.end()
      }
    }
  }
}

async function relayFigures ({ url, cpu }: Server, load: Pick<Load, 'protocol' | 'window' | 'warmUpMs' | 'measureMs'>): Promise<Figures> {
  const edges: Array<{ server: number, load: number }> = []
  const onEdge = (): void => {
    const { user, system } = process.cpuUsage()
    edges.push({ server: cpu(), load: (user + system) / 1e6 })
  }
  const { messages, seconds } = await relayPairs({ ...load, from: url, to: url, pairs, payloadBytes, onEdge })
  const [before, after] = edges as [typeof edges[0], typeof edges[0]]
  return {
    [figure]: (after.server - before.server) * 1e6 / messages,
    'messages/s': messages / seconds,
    [serverShare]: (after.server - before.server) / seconds * 100,
    [loadShare]: (after.load - before.load) / seconds * 100
  }
}

export const relay = relayWith('relay', 8, { tom: 0.45, psync: 0.45, rooms: 0.45, peerjs: 0.45, drone: 0.60 })
export const relay1 = relayWith('relay1', 1, { tom: 0.70, psync: 0.70, rooms: 0.70, peerjs: 0.70, drone: 0.85 })
