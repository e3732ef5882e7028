import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './bench.js'
import type { Figures } from './figures.js'
import { begin, each } from './measure.js'
import { dialects, join, type Protocol } from './protocols.js'
import { startSignalbox } from './servers.js'

const figure = 'CPU, µs/stay'
const clientsAtOnce = 50

/** All tom nodes hear of each other, so there are few of them. */
const mix: readonly Protocol[] = [
  dialects.tom, ...Array.from({ length: 3 }, () => [dialects.psync, dialects.rooms, dialects.peerjs, dialects.drone]).flat()
]

/** Clients of all dialects connect, register and leave. */
export const churn: Bench = {
  name: 'churn',
  title: `Churn: ${clientsAtOnce} clients of all dialects at a time connect, register and leave`,
  figure,
  async prepare ({ keep, churnMs }) {
    const server = await keep(startSignalbox())
    const phase = { isOver: false }
    let stays = 0
    let failure: Error | undefined
    async function come (at: number): Promise<void> {
      for (let stay = at; !phase.isOver; stay++) {
        const id = `client${at}-${stay}`
        const client = await join(server.url, mix[stay % mix.length] as Protocol, id, { name: id }, `127.0.0.${1 + stays % 200}`)
        await client.leave()
        stays++
      }
    }
    const last = { used: 0, rss: 0, delay: 0 }

    async function measure (): Promise<Figures> {
      const all = each(clientsAtOnce, clientsAtOnce, come).catch((error: unknown) => { failure = error as Error })
      // By then all code is compiled and every timer list exists.
      await delay(churnMs / 5)
      const before = await server.memory()
      await server.watchDelays()
      const staysBefore = stays
      const end = begin(server)
      await delay(churnMs * 4 / 5)
      const { cpu, seconds, shares } = end()
      const counted = stays - staysBefore
      last.delay = await server.delayP99()
      const after = await server.memory()
      phase.isOver = true
      await all
      if (failure !== undefined) throw failure
      last.used = after.used / before.used
      last.rss = after.rss / before.rss
      return {
        [figure]: cpu * 1e6 / counted,
        'stays/s': counted / seconds,
        'memory at the end, MB': after.used / 1e6,
        'RSS at the end, MB': after.rss / 1e6,
        ...shares
      }
    }

    return {
      setting: { seconds: churnMs / 1000 },
      rounds: 1,
      cases: [{ name: 'Signalbox', measure }],
      checks: () => [
        { name: 'memory at the end, relative to a fifth of the way', value: last.used, atMost: 1.1 },
        { name: 'RSS at the end, relative to a fifth of the way', value: last.rss, atMost: 1.1 },
        { name: 'p99 of the event loop’s delay, ms', value: last.delay, atMost: 20 }
      ]
    }
  }
}
