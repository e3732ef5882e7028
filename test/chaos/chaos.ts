import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { randomFrom } from '../../bench/siege/random.js'
import { clients as dialects } from '../../src/testing/clients.js'
import type { ClientDialect } from '../../src/testing/dialect.js'
import type { Env } from '../helper.js'
import type { Ending } from '../redis.js'
import { Actor, type World } from './actor.js'
import { check, type Fate, type Violation } from './checker.js'
import { type Entry, History, lineOf } from './history.js'
import { deedsOf, type Fault, faultsOf } from './schedule.js'
import { setUp, type Stage } from './stage.js'

export interface ChaosOptions {
  readonly seed: number
  readonly ms: number
  /** RESUME_GRACE_MS. */
  readonly graceMs: number
  /** On a cluster of Redis. */
  readonly isCluster: boolean
  readonly log: (line: string) => void
}

export interface ChaosReport {
  readonly violations: readonly Violation[]
  readonly entries: readonly Entry[]
  readonly nodeLogs: readonly string[]
  readonly faults: readonly Fault[]
  /** What has happened, in numbers. */
  readonly tally: string
}

/** How many clients of each dialect, and how many of a group or pair meet. 0: all of them. */
const crowd: ReadonlyArray<[dialect: ClientDialect, count: number, together: number]> = [
  [dialects.tom, 30, 0], [dialects.peerjs, 20, 0], [dialects.drone, 20, 0], [dialects.psync, 20, 4], [dialects.rooms, 10, 2]
]
export const leaseMs = 2_000
/** How long after the last fault everybody is back, whatever a grace or a lease adds. In ms. */
const patienceMs = 30_000
/** By then what was sent last has arrived. In ms. */
const lastMs = 5_000
/** How long kept mail of PeerJS waits, and an empty room. In ms. */
const keptMs = 5_000
/** A node that was cut off may not hear that mail was found, and counts it for so long after a grace. In ms. */
const accountMs = 60_000
const askEveryMs = 250

const settings: Env = {
  NODE_LEASE_MS: String(leaseMs),
  DRAIN_MS: '1000',
  HEARTBEAT_INTERVAL: '3000',
  PEERJS_EXPIRE_TIMEOUT: String(keptMs),
  ROOM_EMPTY_TTL_MS: String(keptMs),
  PSYNC_PEER_LEFT: 'true',
  ALLOW_DISCOVERY: 'true',
  CONNECT_RATE: '1000000',
  MAX_EVENT_LOOP_DELAY: '60000',
  LOG_LEVEL: 'info',
  AUDIT_LOG: '/dev/null'
}

/** Scripted clients, faults drawn from the seed, and the verdict on what everybody has written down. */
export async function chaos (t: Ending, { seed, ms, graceMs, isCluster, log }: ChaosOptions): Promise<ChaosReport> {
  const history = new History()
  const stage = await setUp(t, history, { ...settings, RESUME_GRACE_MS: String(graceMs) }, isCluster)
  const world: World = {
    history, ports: stage.ports, random: randomFrom(seed), codes: new Map(), assigned: new Map(), nextConn: 1
  }
  const actors = enter(world)
  t.teardown(() => { for (const actor of actors) actor.end(false) })
  const settle = async () => await holds(() => actors.every(({ isBack }) => isBack), patienceMs)
  await settle()
  log('everybody is there')

  const startedAt = performance.now()
  const over = new AbortController()
  const { signal } = over
  setMaxListeners(0, signal)
  const acting = actors.map(async (actor, at) => {
    for (const deed of deedsOf(seed, at, ms, at % 2 === 0)) {
      await delay(Math.max(0, startedAt + deed.at - performance.now()), undefined, { signal })
      actor.act(deed)
    }
  })
  const faults = faultsOf(seed, ms, isCluster)
  try {
    for (const fault of faults) {
      await delay(Math.max(0, startedAt + fault.at - performance.now()))
      log(`${fault.kind}, node ${fault.node}, ${fault.ms} ms, its clock ${fault.clockMs} ms ahead`)
      await stage.perform(fault)
    }
    await Promise.all(acting)
  } finally {
    over.abort()
    await Promise.allSettled(acting)
  }
  log('no more faults')
  await settle()
  // What was kept is delivered or answered by then, and a dead node's peers have left.
  await delay(Math.max(graceMs, keptMs) + 3 * leaseMs)
  await settle()
  history.write({ kind: 'quiet' })
  for (const actor of actors) {
    actor.list()
    if (actor.dialect.takesNames) for (const peer of actor.peers) actor.signal(peer)
  }
  await delay(lastMs)
  for (const actor of actors) actor.writeList()
  for (const node of stage.ports.keys()) {
    for (const [dialect, , together] of crowd) {
      if (!dialect.takesNames || together > 0) continue
      const ids = JSON.parse(await stage.show(node, `/${dialect.name}/peers`)) as string[]
      history.write({ kind: 'shows', node, dialect: dialect.name, ids })
    }
  }
  log('everybody goes')
  history.write({ kind: 'over' })
  for (const [at, actor] of actors.entries()) actor.end(at % 2 === 0)
  let left = await leftOn(stage)
  await holds(async () => (left = await leftOn(stage)).length === 0, graceMs + accountMs + 4 * leaseMs)
  for (const what of left) history.write({ kind: 'remains', what })
  const { entries } = history
  const { violations, fates } = check(entries, { graceMs, leaseMs })
  return { violations, entries, nodeLogs: stage.logs(), faults, tally: tallyOf(entries, faults, fates) }
}

function enter (world: World): Actor[] {
  const actors = crowd.flatMap(([dialect, count, together]) => {
    const all = Array.from({ length: count }, (_, at) => {
      return new Actor(world, dialect, `${dialect.name}-${at}`, together === 0 ? '' : `${dialect.name}-place-${Math.floor(at / together)}`)
    })
    for (const [at, actor] of all.entries()) {
      const near = all.filter(({ place }) => place === actor.place)
      for (const step of [1, 2, 3]) {
        const peer = near[(near.indexOf(actor) + step) % near.length]
        if (peer !== undefined && peer !== actor && !actor.peers.includes(peer.id)) actor.peers.push(peer.id)
      }
      setTimeout(() => actor.connect(at % world.ports.length), at * 20)
    }
    return all
  })
  return actors
}

function tallyOf (entries: readonly Entry[], faults: readonly Fault[], fates: ReadonlyMap<Fate, number>): string {
  const count = (kind: Entry['kind']) => entries.filter((entry) => entry.kind === kind).length
  const became = [...fates].map(([fate, number]) => `${number} ${fate}`).join(', ')
  return `${faults.length} faults, ${count('dials')} connections, ${count('sends')} signals: ${became}`
}

/** What Redis and the nodes hold, though nobody is there. */
async function leftOn (stage: Stage): Promise<string[]> {
  const held = await Promise.all(stage.ports.map(async (_port, node) => {
    const metrics = (await stage.show(node, '/metrics')).matchAll(/^(signalbox_(?:peers|rooms|mailboxes|mailbox_bytes)) (\d+)/gm)
    return [...metrics].flatMap(([, name, value]) => value === '0' ? [] : [`${name} ${value} on node ${node}`])
  }))
  return [...await stage.remains(), ...held.flat()]
}

async function holds (what: () => unknown, patience: number): Promise<boolean> {
  const deadline = performance.now() + patience
  while (performance.now() < deadline) {
    if (await what() === true) return true
    await delay(askEveryMs)
  }
  return false
}

/** What a failed run says: each kind of violation with the shortest history that shows it. */
export function describe (violations: readonly Violation[], most = 3): string {
  const byRule = new Map<string, Violation[]>()
  for (const violation of violations) byRule.set(violation.rule, [...byRule.get(violation.rule) ?? [], violation])
  return [...byRule].map(([rule, all]) => {
    const shortest = all.toSorted((one, other) => one.evidence.length - other.evidence.length).slice(0, most)
    return `${rule}: ${all.length} times\n` + shortest.map(({ what, evidence }) => {
      return `  ${what}\n${evidence.map((entry) => `    ${lineOf(entry)}\n`).join('')}`
    }).join('')
  }).join('')
}
