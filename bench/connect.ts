import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Case } from './bench.js'
import type { Client } from './client.js'
import { begin, each, type Span, together } from './measure.js'
import { bare, dialects, join, peer, type Protocol } from './protocols.js'
import { type NodeServer, quiet, startOther, startSignalbox } from './servers.js'

const figure = 'CPU, µs/connect'

/** How many clients connect, how many at once, and how many times over. */
export interface Crowd {
  readonly clients: number
  readonly times: number
  readonly atOnce: number
  /** If set, clients connect in cohorts: each leaves once all of it are registered, and the next comes after this time. In ms. */
  readonly everyMs?: number | undefined
}

/** Upgrade, one frame that registers, one answer. Every client has a group of its own, so nobody else hears of it. */
export const connect: Bench = {
  name: 'connect',
  title: 'Connect and register',
  figure,
  async prepare ({ keep, isSmall }) {
    const crowd: Crowd = { clients: isSmall ? 400 : 2000, times: isSmall ? 2 : 5, atOnce: 50 }
    // All tom nodes are one group, and the list comes within 25 ms: in small cohorts each hears little of the others. The
    // baseline waits as long, since an idle server takes more CPU for each thing it does.
    const cohorts: Crowd = { clients: isSmall ? 80 : 400, times: isSmall ? 1 : 3, atOnce: 8, everyMs: 40 }
    const add = async (
      name: string,
      protocol: Protocol,
      starting: Promise<NodeServer>,
      crowd: Crowd,
      compared: Pick<Case, 'baseline' | 'goal'> = {}
    ): Promise<Case> => await connecting(name, protocol, await keep(starting), crowd, compared)
    const byAnyone = '`ws`'
    const byCohorts = `\`ws\`, ${cohorts.atOnce} every ${cohorts.everyMs} ms`
    const cases = [await add(byAnyone, bare, startOther('parsing'), crowd)]
    for (const protocol of [dialects.psync, dialects.rooms, dialects.peerjs, dialects.drone]) {
      cases.push(await add(`Signalbox, ${protocol.name}`, protocol, startSignalbox(), crowd, { baseline: byAnyone, goal: 1.35 }))
    }
    if (!isSmall) cases.push(await add('npm `peer`', peer, startOther('peer'), crowd, { baseline: byAnyone }))
    cases.push(await add(byCohorts, bare, startOther('parsing'), cohorts))
    cases.push(await add(
      `Signalbox, tom, ${cohorts.atOnce} every ${cohorts.everyMs} ms`,
      dialects.tom,
      startSignalbox(),
      cohorts,
      { baseline: byCohorts, goal: 1.35 }
    ))
    return { setting: { clients: crowd.clients, times: crowd.times, 'tom clients': cohorts.clients }, cases }
  }
}

/** A case of clients that connect to a server, which is warm by then. */
export async function connecting (
  name: string,
  protocol: Protocol,
  server: NodeServer,
  crowd: Crowd,
  compared: Pick<Case, 'baseline' | 'goal'> = {}
): Promise<Case> {
  // Two warm-up runs.
  for (let times = 0; times < 2; times++) await measure(server, protocol, crowd)
  return { name, ...compared, measure: async () => await measure(server, protocol, crowd) }
}

async function measure (
  server: NodeServer,
  protocol: Protocol,
  { clients, times, atOnce, everyMs }: Crowd
): Promise<Record<string, number>> {
  const spans: Span[] = []
  for (let time = 0; time < times; time++) {
    spans.push(await connectAll(
      server,
      async (at) => await join(server.url, protocol, `client${at}`, { name: `group${at}` }),
      { clients, atOnce, everyMs }
    ))
  }
  const { cpu, seconds, shares } = together(spans)
  return { [figure]: cpu * 1e6 / clients / times, 'connects/s': clients * times / seconds, ...shares }
}

async function connectAll (
  server: NodeServer,
  one: (at: number) => Promise<Client>,
  { clients, atOnce, everyMs }: Omit<Crowd, 'times'>
): Promise<Span> {
  const end = begin(server)
  const connected: Client[] = []
  if (everyMs !== undefined) {
    for (let at = 0; at < clients; at += atOnce) {
      const next = delay(everyMs)
      const cohort = await each(atOnce, atOnce, async (within) => await one(at + within))
      await Promise.all(cohort.map(async (client) => await client.leave()))
      await next
    }
  } else {
    connected.push(...await each(clients, atOnce, one))
  }
  const span = end()
  for (const client of connected) client.destroy()
  await quiet(server)
  return span
}
