import type { Bench, Case } from './bench.js'
import type { Client } from './client.js'
import { begin, each } from './measure.js'
import { bare, dialects, join, peer, type Protocol } from './protocols.js'
import { type NodeServer, quiet, startOther, startSignalbox } from './servers.js'

const figure = 'CPU, µs/connect'

/** How many connect, so many at a time. */
interface Crowd {
  readonly clients: number
  readonly atOnce: number
  /** Each goes when it is registered, all in a cohort together. */
  readonly leave?: boolean
}

/** Upgrade, one frame that registers, one answer. Every client has a group of its own, so nobody is told of it. */
export const connect: Bench = {
  name: 'connect',
  title: 'Connect and register',
  figure,
  async prepare ({ keep, isSmall }) {
    const crowd: Crowd = { clients: isSmall ? 400 : 2000, atOnce: 50 }
    // All of tom is one group, and the answer comes within 25 ms: of a few at a time each hears little of the others.
    const cohorts: Crowd = { clients: isSmall ? 80 : 400, atOnce: 8, leave: true }
    const add = async (name: string, protocol: Protocol, starting: Promise<NodeServer>, crowd: Crowd, compared: Pick<Case, 'baseline' | 'goal'> = {}): Promise<Case> => {
      const server = await keep(starting)
      // Twice before: code gets warm.
      for (let times = 0; times < 2; times++) await measure(server, protocol, crowd)
      return { name, ...compared, measure: async () => await measure(server, protocol, crowd) }
    }
    const byAnyone = '`ws`'
    const byCohorts = `\`ws\`, ${cohorts.atOnce} at a time`
    const cases = [await add(byAnyone, bare, startOther('parsing'), crowd)]
    for (const protocol of [dialects.psync, dialects.rooms, dialects.peerjs, dialects.drone]) {
      cases.push(await add(`Signalbox, ${protocol.name}`, protocol, startSignalbox(), crowd, { baseline: byAnyone, goal: 1.35 }))
    }
    if (!isSmall) cases.push(await add('npm `peer`', peer, startOther('peer'), crowd, { baseline: byAnyone }))
    cases.push(await add(byCohorts, bare, startOther('parsing'), cohorts))
    cases.push(await add(`Signalbox, tom, ${cohorts.atOnce} at a time`, dialects.tom, startSignalbox(), cohorts, { baseline: byCohorts, goal: 1.35 }))
    return { setting: { clients: crowd.clients, 'clients of tom': cohorts.clients }, cases }
  }
}

async function measure (server: NodeServer, protocol: Protocol, { clients, atOnce, leave = false }: Crowd): Promise<Record<string, number>> {
  await server.memory()
  const one = async (at: number): Promise<Client> => await join(server.url, protocol, `client${at}`, { name: `group${at}` })
  const end = begin(server)
  const connected: Client[] = []
  if (leave) {
    for (let at = 0; at < clients; at += atOnce) {
      const cohort = await each(atOnce, atOnce, async (within) => await one(at + within))
      await Promise.all(cohort.map(async (client) => await client.leave()))
    }
  } else {
    connected.push(...await each(clients, atOnce, one))
  }
  const { cpu, seconds, shares } = end()
  for (const client of connected) client.destroy()
  await quiet(server)
  return { [figure]: cpu * 1e6 / clients, 'connects/s': clients / seconds, ...shares }
}
