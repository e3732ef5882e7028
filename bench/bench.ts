import { median, type Figures } from './figures.js'
import type { Server } from './servers.js'

/** One bench: what is measured in turns, and what is compared. `bench/run.ts` lists all of them. */
export interface Bench {
  /** What `--only` takes. */
  readonly name: string
  readonly title: string
  /** Which figure is compared, with its unit. The others are told beside it. */
  readonly figure: string
  prepare (options: Options): Promise<Plan>
}

export interface Options {
  /** How often every case is measured, in turns. */
  readonly rounds: number
  /** Before each measurement, with the load on: code gets warm. */
  readonly warmUpMs: number
  /** How long one measurement takes. */
  readonly measureMs: number
  /** How long the churn takes. */
  readonly churnMs: number
  /** As small as still tells something. */
  readonly isSmall: boolean
  /** Another Node to compare with, if any. */
  readonly node: string | undefined
  /** Ends the server with the bench. */
  readonly keep: <Kind extends Server>(starting: Promise<Kind>) => Promise<Kind>
}

export interface Plan {
  readonly setting: Setting
  readonly cases: readonly Case[]
  /** Where other than asked for: what takes long takes fewer. */
  readonly rounds?: number
  /** What the rows do not say. */
  readonly checks?: (rows: readonly Row[]) => readonly Check[]
}

export type Setting = Readonly<Record<string, string | number>>

/** Something to be measured in turns with others. */
export interface Case extends Omit<Row, 'rounds'> {
  measure (): Promise<Figures>
}

/** What is written to `bench/results`: enough to tell how it came about. */
export interface Result {
  readonly title: string
  readonly setting: Setting
  readonly figure: string
  readonly rows: readonly Row[]
  /** Goals that are no ratio of two rows. */
  readonly checks: readonly Check[]
}

export interface Row {
  readonly name: string
  /** The row it is compared with, round by round. */
  readonly baseline?: string
  /** What the ratio may be at most. */
  readonly goal?: number
  /** In the order they were measured. All rows' first are one round, and so on. */
  readonly rounds: readonly Figures[]
}

export interface Check {
  readonly name: string
  readonly value: number
  readonly atMost?: number
  readonly atLeast?: number
}

/** Measures A B A B. */
export async function measure (bench: Bench, options: Omit<Options, 'keep'>, log: (line: string) => void): Promise<Result> {
  const servers: Server[] = []
  const keep: Options['keep'] = async (starting) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    const { setting, cases, rounds = options.rounds, checks } = await bench.prepare({ ...options, keep })
    const { title, figure } = bench
    const measured = cases.map((): Figures[] => [])
    for (let round = 1; round <= rounds; round++) {
      for (const [at, one] of cases.entries()) {
        const figures = await one.measure()
        measured[at]?.push(figures)
        log(`${bench.name}, round ${round}, ${one.name}: ${figures[figure]?.toPrecision(3)} ${figure}`)
      }
    }
    const rows = cases.map(({ measure, ...row }, at) => ({ ...row, rounds: measured[at] ?? [] }))
    return { title, setting: { ...setting, rounds }, figure, rows, checks: checks?.(rows) ?? [] }
  } finally {
    for (const server of servers.reverse()) await server.end()
  }
}

/** How many times its baseline a row is: the median of the rounds, and the least and the most. */
export function ratioOf ({ figure, rows }: Result, row: Row): { median: number, least: number, most: number } | undefined {
  const baseline = rows.find(({ name }) => name === row.baseline)
  if (baseline === undefined) return undefined
  const others = valuesOf(baseline, figure)
  const ratios = valuesOf(row, figure).map((value, round) => value / (others[round] ?? NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/** One figure of a row, round by round. */
export function valuesOf ({ rounds }: Row, figure: string): number[] {
  return rounds.map((figures) => figures[figure] ?? NaN)
}

/** Whether a check's value is where it must be. */
export function holds ({ value, atMost = Infinity, atLeast = 0 }: Check): boolean {
  return value <= atMost && value >= atLeast
}
