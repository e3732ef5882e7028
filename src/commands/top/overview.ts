import { Value } from '@sinclair/typebox/value'
import { AuditBody, type AuditEntry, type NodesAnswer, type NodeStatus, type RoomsAnswer, type Sample, SampleBody } from
  '../../../routes/admin/console-schema.js'
import type { ServerEvent } from '../../net/event-stream.js'

/** Events that are kept of each kind. */
const maxEvents = 100
/** Older samples are of nodes that have gone. In ms. */
const freshMs = 3_500

/** What many clients do at all times. */
const usual: ReadonlySet<string> = new Set(['connect', 'register', 'leave', 'ended'])

/** A node, and its last second. */
export interface SeenNode {
  readonly status: NodeStatus
  /** Undefined for a node that has just come, or does not answer. */
  readonly sample: Sample | undefined
}

/** The last second of all nodes. */
export type Totals = Omit<Sample, 'node' | 'time' | 'utilization'>

/** What a server has told of all nodes. */
export class Overview {
  nodes: NodesAnswer | undefined
  rooms: RoomsAnswer = { rooms: [], total: 0 }
  /** Refusals since the first sample. */
  refused = 0
  /** The server’s time at its last sample. In ms since the epoch. */
  time = 0
  readonly #samples = new Map<string, { readonly sample: Sample, readonly at: number }>()
  #usual: AuditEntry[] = []
  #unusual: AuditEntry[] = []
  #new: AuditEntry[] = []

  /** @returns whether the event ends a second of the node that answers */
  hear ({ event, data }: ServerEvent): boolean {
    if (event === 'audit' && Value.Check(AuditBody, data)) this.#hearAudit(data)
    if (event !== 'sample' || !Value.Check(SampleBody, data)) return false
    this.#samples.set(data.node, { sample: data, at: performance.now() })
    this.refused += data.refused
    if (data.node !== this.nodes?.here) return false
    this.time = data.time
    return true
  }

  #hearAudit (entry: AuditEntry): void {
    if (usual.has(entry.event)) this.#usual = [entry, ...this.#usual].slice(0, maxEvents)
    else this.#unusual = [entry, ...this.#unusual].slice(0, maxEvents)
    this.#new = [...this.#new, entry].slice(-maxEvents)
  }

  get seen (): SeenNode[] {
    return (this.nodes?.nodes ?? []).map((status) => ({ status, sample: this.#sampleOf(status.node) }))
  }

  #sampleOf (node: string): Sample | undefined {
    const { sample, at = -Infinity } = this.#samples.get(node) ?? {}
    return performance.now() - at > freshMs ? undefined : sample
  }

  /** Sums over all nodes. Delays are those of the slowest. */
  get totals (): Totals {
    const samples = this.seen.map(({ sample }) => sample).filter((sample) => sample !== undefined)
    const sum = (name: 'connections' | 'peers' | 'received' | 'sent' | 'errors' | 'refused' | 'dropped') =>
      Math.round(samples.reduce((total, sample) => total + sample[name], 0) * 10) / 10
    const longest = (name: 'handlingMs' | 'delayMs') => Math.max(0, ...samples.map((sample) => sample[name]))
    const closes: Record<string, number> = {}
    for (const sample of samples) for (const [code, count] of Object.entries(sample.closes)) closes[code] = (closes[code] ?? 0) + count
    return {
      connections: sum('connections'),
      peers: sum('peers'),
      received: sum('received'),
      sent: sum('sent'),
      errors: sum('errors'),
      refused: sum('refused'),
      dropped: sum('dropped'),
      closes,
      handlingMs: longest('handlingMs'),
      delayMs: longest('delayMs')
    }
  }

  /** The last events, the newest first. At most half of them are what many clients do at all times, if there are others. */
  events (count: number): AuditEntry[] {
    const unusual = this.#unusual.slice(0, Math.max(Math.ceil(count / 2), count - this.#usual.length))
    return [...unusual, ...this.#usual.slice(0, count - unusual.length)].sort((one, other) => other.time - one.time)
  }

  /** The events since the last call, the oldest first. */
  takeNew (): AuditEntry[] {
    const taken = this.#new
    this.#new = []
    return taken
  }
}
