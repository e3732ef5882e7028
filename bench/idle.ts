import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Bench, type Case, type Row, valuesOf } from './bench.js'
import type { Client } from './client.js'
import { type Figures, median } from './figures.js'
import { begin, each } from './measure.js'
import { bare, dialects, join, type Protocol } from './protocols.js'
import { type NodeServer, quiet, startOther, startSignalbox } from './servers.js'

const figure = 'memory, KB/socket'

/** The server pings every 30 s. */
const pingMs = 30_000

/** Sockets that come and go before the measurement, so that it does not count the code compiled for the first ones. */
const firstSockets = 500

/** Files that the process has open besides sockets. */
const spareFiles = 500

/** Registered sockets that do nothing. Each measurement takes a new server, since a heap that has grown does not shrink. */
export const idle: Bench = {
  name: 'idle',
  title: 'Idle: registered sockets, after garbage collection',
  figure,
  async prepare ({ isSmall, rounds }) {
    const few = isSmall ? 1000 : 10_000
    const many = Math.min(40_000, maxOpenFiles() - spareFiles)
    const busy = new Map<number, number>()
    const bareRow = (sockets: number): Case => ({
      name: `\`ws\`, ${sockets}`,
      measure: async () => await idling(startOther('parsing'), bare, sockets)
    })
    const row = (protocol: Protocol, sockets: number): Case => ({
      name: `Signalbox, ${protocol.name}, ${sockets}`,
      baseline: bareRow(sockets).name,
      goal: 1.25,
      measure: async () => await idling(startSignalbox(), protocol, sockets, async (server) => {
        if (isSmall || protocol !== dialects.drone || busy.has(sockets)) return
        // By then the work that follows connecting, such as compiling hot code, is over.
        await delay(pingMs)
        const end = begin(server)
        await delay(pingMs)
        const { cpu, seconds } = end()
        busy.set(sockets, cpu / seconds * 100)
      })
    })
    const { drone, peerjs, psync } = dialects
    const cases = isSmall
      ? [bareRow(few), row(drone, few)]
      : [bareRow(few), ...[drone, peerjs, psync].map((protocol) => row(protocol, few)), bareRow(many), row(drone, many)]
    return {
      setting: { 'most sockets': `${many} sockets (a process may open ${maxOpenFiles()} files here)` },
      rounds: isSmall ? 1 : Math.min(rounds, 3),
      cases,
      checks: (rows) => isSmall
        ? []
        : [
            {
              name: `memory of a socket at ${many}, relative to ${few}`,
              value: memoryOf(rows, row(drone, many).name) / memoryOf(rows, row(drone, few).name),
              atMost: 1.1
            },
            ...[...busy].map(([sockets, share]) => ({ name: `CPU of ${sockets} sockets, % of a core`, value: share, atMost: 1 }))
          ]
    }
  }
}

async function idling (
  starting: Promise<NodeServer>,
  protocol: Protocol,
  sockets: number,
  meanwhile?: (server: NodeServer) => Promise<void>
): Promise<Figures> {
  const server = await starting
  let clients: Client[] = []
  try {
    const enter = async (count: number): Promise<Client[]> =>
      await each(count, 100, async (at) => await join(server.url, protocol, `client${at}`, { name: `group${at >> 1}` }, addressOf(at)))
    for (const client of await enter(firstSockets)) client.destroy()
    await quiet(server)
    const before = await server.memory()
    clients = await enter(sockets)
    let failure: Error | undefined
    for (const client of clients) client.onEnd = (error) => { failure ??= error }
    await quiet(server)
    const after = await server.memory()
    await meanwhile?.(server)
    if (failure !== undefined) throw failure
    return {
      [figure]: (after.used - before.used) / sockets / 1024,
      'RSS, KB/socket': (after.rss - before.rss) / sockets / 1024
    }
  } finally {
    for (const client of clients) client.destroy()
    await server.end()
  }
}

/** One loopback address for every 5 000 sockets, since an address has only so many ports. */
function addressOf (at: number): string {
  return `127.0.0.${1 + Math.floor(at / 5000)}`
}

function maxOpenFiles (): number {
  return Number(/Max open files +\d+ +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
}

function memoryOf (rows: readonly Row[], name: string): number {
  return median(rows.filter((row) => row.name === name).flatMap((row) => valuesOf(row, figure)))
}
