import { randomFrom } from '../../bench/siege/random.js'
import { type FaultKind, nodeFaults, redisFaults } from './history.js'

/** What goes wrong, when, and for how long. In ms from the start. */
export interface Fault {
  readonly at: number
  readonly kind: FaultKind
  readonly node: number
  readonly ms: number
  /** How far the clock of a node that is started again is ahead. In ms. */
  readonly clockMs: number
}

export const deedKinds = ['signal', 'signal nobody', 'list', 'cut', 'say goodbye', 'take over', 'move', 'go silent'] as const

/** What a client does, if it is connected by then. */
export interface Deed {
  readonly at: number
  readonly kind: typeof deedKinds[number]
  /** Of its peers, this part of the way through. */
  readonly to: number
  /** The node that it dials next. */
  readonly node: number
  /** For how long it stays away, or silent. In ms. */
  readonly ms: number
}

export const nodeCount = 3
/** From the end of one fault to the beginning of the next. In ms. */
const [leastPauseMs, mostPauseMs] = [3_000, 7_000]
/** How long a fault lasts. A lease is shorter than most. In ms. */
const [leastFaultMs, mostFaultMs] = [500, 6_000]
/** How often a client does something. In ms. */
const deedEveryMs = 1_000
const clocks = [0, 0, 3_600_000, -3_600_000, 40_000]

/** Where the clients of a cluster of Redis cannot be led through a proxy. */
const overProxies: readonly FaultKind[] = ['isolate', 'cut', 'black hole']

/** The faults of a run. They depend on the seed alone. */
export function faultsOf (seed: number, ms: number, isCluster: boolean): Fault[] {
  const random = randomFrom(seed)
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const kinds = [...nodeFaults, ...redisFaults].filter((kind) => !isCluster || !overProxies.includes(kind))
  const faults: Fault[] = []
  let rest: FaultKind[] = []
  for (let at = leastPauseMs; at + mostFaultMs < ms;) {
    // All of them, and then all of them again.
    if (rest.length === 0) rest = [...kinds]
    const [kind = 'kill'] = rest.splice(Math.floor(random() * rest.length), 1)
    const fault = {
      at, kind, node: between(0, nodeCount - 1), ms: between(leastFaultMs, mostFaultMs), clockMs: clocks[between(0, clocks.length - 1)] ?? 0
    }
    faults.push(fault)
    at += fault.ms + between(leastPauseMs, mostPauseMs)
  }
  return faults
}

/** What one client does in a run. Those that are steady only signal: what happens to them is the faults' doing. */
export function deedsOf (seed: number, client: number, ms: number, isSteady: boolean): Deed[] {
  const random = randomFrom(seed * 1_000 + client)
  const shares: ReadonlyArray<[kind: Deed['kind'], share: number]> = isSteady
    ? [['signal', 95], ['list', 5]]
    : [['signal', 70], ['signal nobody', 5], ['list', 5], ['cut', 7], ['say goodbye', 4], ['take over', 5], ['move', 3], ['go silent', 1]]
  const deeds: Deed[] = []
  for (let at = Math.floor(random() * deedEveryMs); at < ms; at += Math.floor(deedEveryMs * (0.5 + random()))) {
    let drawn = random() * 100
    const [kind] = shares.find(([, share]) => (drawn -= share) < 0) ?? ['signal' as const]
    // Half of those who go are back at once.
    const away = random()
    deeds.push({
      at, kind, to: random(), node: Math.floor(random() * nodeCount), ms: Math.floor(away < 0.5 ? away * 1_000 : (away - 0.5) * 24_000)
    })
  }
  return deeds
}
