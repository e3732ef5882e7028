import type { AuditEntry, Sample } from '../../routes/admin/console-schema.js'
import { Refusal, stream } from './api.js'

/** Seconds that the charts show. */
export const shownS = 120
const maxAudit = 500
/** In ms: the first wait for a server that does not answer, and the longest. */
const [firstWaitMs, longestWaitMs] = [1_000, 15_000]

export type Access =
  | { readonly state: 'asking' | 'open' }
  /** Data is old: the stream has ended, and is opened again at this time. */
  | { readonly state: 'lost', readonly retryAt: number, readonly why: string }
  | { readonly state: 'refused', readonly status: number, readonly why: string }

/** A record of the audit trail, numbered for the page. */
export interface Entry extends AuditEntry {
  readonly number: number
}

/** What the server tells of itself, from the opening of the page on. */
export class Live {
  access: Access = { state: 'asking' }
  /** Of each node by its name, the oldest first. */
  readonly samples = new Map<string, Sample[]>()
  /** The newest first. */
  entries: readonly Entry[] = []
  /** Records that the page was too slow for. */
  omitted = 0
  /** How far the server's clock is ahead of ours, in ms. */
  aheadMs = 0
  readonly #listeners = new Set<() => void>()
  #count = 0
  #waitMs = firstWaitMs
  #stopping: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** The time by the server's clock, in ms since the epoch. */
  get now (): number {
    return Date.now() + this.aheadMs
  }

  listen (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Opens the stream, again if it was open. */
  start (): void {
    this.#stopping?.abort()
    clearTimeout(this.#timer)
    const stopping = this.#stopping = new AbortController()
    this.#run(stopping.signal).catch((error: unknown) => { if (!stopping.signal.aborted) this.#onEnd(error) })
  }

  async #run (signal: AbortSignal): Promise<void> {
    for await (const { event, data } of stream('events', signal)) {
      this.#waitMs = firstWaitMs
      if (this.access.state !== 'open') this.access = { state: 'open' }
      if (event === 'sample') this.#onSample(data as Sample)
      else if (event === 'audit') this.#onAudit(data as AuditEntry)
      else if (event === 'omitted') this.omitted += (data as { records: number }).records
      else if (event === 'end' && (data as { reason: string }).reason === 'token') throw new Refusal(401, 'The token has expired')
      this.#tell()
    }
    throw new Error('The server ended the connection')
  }

  #onSample (sample: Sample): void {
    const samples = this.samples.get(sample.node) ?? []
    const from = sample.time - (shownS + 5) * 1000
    this.samples.set(sample.node, [...samples.filter(({ time }) => time > from), sample])
    this.aheadMs = sample.time - Date.now()
    for (const [node, others] of this.samples) if ((others.at(-1)?.time ?? 0) < from) this.samples.delete(node)
  }

  #onAudit (entry: AuditEntry): void {
    this.entries = [{ ...entry, number: ++this.#count }, ...this.entries].slice(0, maxAudit)
  }

  #onEnd (error: unknown): void {
    const { message: why } = error as Error
    if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
      this.access = { state: 'refused', status: error.status, why }
    } else {
      this.access = { state: 'lost', retryAt: Date.now() + this.#waitMs, why }
      this.#timer = setTimeout(() => this.start(), this.#waitMs)
      this.#waitMs = Math.min(longestWaitMs, this.#waitMs * 2)
    }
    this.#tell()
  }

  #tell (): void {
    for (const listener of this.#listeners) listener()
  }
}
