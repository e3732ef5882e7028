import type { Figures } from './figures.js'
import type { Server } from './servers.js'
import { loadShare, serverShare } from './table.js'

/** One measured time span. */
export interface Span {
  /** CPU time of the server, in s. */
  readonly cpu: number
  readonly seconds: number
  /** How busy server and load were, for the table, in %. */
  readonly shares: Figures
}

/** Joins several spans into one, without the gaps between them. */
export function together (spans: readonly Span[]): Span {
  const sum = (of: (span: Span) => number): number => spans.reduce((total, span) => total + of(span), 0)
  const seconds = sum((span) => span.seconds)
  const share = (name: string): number => sum((span) => (span.shares[name] ?? NaN) * span.seconds) / seconds
  return { cpu: sum(({ cpu }) => cpu), seconds, shares: { [serverShare]: share(serverShare), [loadShare]: share(loadShare) } }
}

/** Begins a measurement. Call the result to end it. */
export function begin ({ cpu }: Pick<Server, 'cpu'>): () => Span {
  const start = { cpu: cpu(), load: loadCpu(), at: performance.now() }
  return () => {
    const used = cpu() - start.cpu
    const seconds = (performance.now() - start.at) / 1000
    return { cpu: used, seconds, shares: { [serverShare]: used / seconds * 100, [loadShare]: (loadCpu() - start.load) / seconds * 100 } }
  }
}

function loadCpu (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Calls `work` with 0 to `count - 1`, `atOnce` at a time; answers the results in order. */
export async function each<Of> (count: number, atOnce: number, work: (at: number) => Promise<Of>): Promise<Of[]> {
  const results: Of[] = []
  let next = 0
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, async () => {
    for (let at = next++; at < count; at = next++) results[at] = await work(at)
  }))
  return results
}
