import { median, medianInterval, type Figures } from './figures.js'
import type { Server } from './servers.js'

/** One bench: cases measured in turns, and the figure they are compared by. `bench/run.ts` lists all benches. */
export interface Bench {
  /** The name for `--only`. */
  readonly name: string
  readonly title: string
  /** The figure that is compared, with its unit. The others are printed beside it. */
  readonly figure: string
  prepare (options: Options): Promise<Plan>
}

export interface Options {
  /** How many times every case is measured, in turns, at least. */
  readonly rounds: number
  /** How many times at most: cases are measured until each ratio is known to within `narrow` of itself. */
  readonly mostRounds: number
  /** Load before each measurement, which warms the code up. In ms. */
  readonly warmUpMs: number
  /** Duration of one measurement, in ms. */
  readonly measureMs: number
  /** Duration of the churn, in ms. */
  readonly churnMs: number
  /** The smallest load whose figures still mean something. */
  readonly isSmall: boolean
  /** The path of another Node to compare with. */
  readonly node: string | undefined
  /** Waits for a server, and stops it when the bench ends. */
  readonly keep: <Kind extends Server>(starting: Promise<Kind>) => Promise<Kind>
}

export interface Plan {
  readonly setting: Setting
  readonly cases: readonly Case[]
  /** Overrides the number of rounds, for benches that take long. */
  readonly rounds?: number
  /** Goals that the rows do not show. */
  readonly checks?: (rows: readonly Row[]) => readonly Check[]
}

export type Setting = Readonly<Record<string, string | number>>

/** One case, measured in turns with the others. */
export interface Case extends Omit<Row, 'rounds'> {
  measure (): Promise<Figures>
}

/** What is written to `bench/results`, with enough detail to reproduce it. */
export interface Result {
  readonly title: string
  readonly setting: Setting
  readonly figure: string
  readonly rows: readonly Row[]
  /** Goals that are not a ratio of two rows. */
  readonly checks: readonly Check[]
}

export interface Row {
  readonly name: string
  /** The row it is compared with, round by round. */
  readonly baseline?: string
  /** The largest acceptable ratio. */
  readonly goal?: number
  /** In the order of measurement: the first entries of all rows are the first round. */
  readonly rounds: readonly Figures[]
}

export interface Check {
  readonly name: string
  readonly value: number
  readonly atMost?: number
  readonly atLeast?: number
}

/** A ratio is known once its interval is this share of it, so that a noisy machine says the same as a quiet one. */
const narrow = 0.1

/**
 * Measures all cases in turns, A B A B, until each ratio is known, or for `mostRounds`. A plan with a number of rounds of its own is
 * measured as often.
 */
export async function measure (bench: Bench, options: Omit<Options, 'keep'>, log: (line: string) => void): Promise<Result> {
  const servers: Server[] = []
  const keep: Options['keep'] = async (starting) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    const { setting, cases, rounds: own, checks } = await bench.prepare({ ...options, keep })
    const [least, most] = own === undefined ? [options.rounds, Math.max(options.rounds, options.mostRounds)] : [own, own]
    const { title, figure } = bench
    const measured = cases.map((): Figures[] => [])
    const soFar = (): Row[] => cases.map(({ measure, ...row }, at) => ({ ...row, rounds: measured[at] ?? [] }))
    let rounds = 0
    while (rounds < least || (rounds < most && !soFar().every((row) => isKnown({ figure, rows: soFar() }, row)))) {
      const round = ++rounds
      for (const [at, one] of cases.entries()) {
        const figures = await one.measure()
        measured[at]?.push(figures)
        log(`${bench.name}, round ${round}, ${one.name}: ${figures[figure]?.toPrecision(3)} ${figure}`)
      }
    }
    const rows = soFar()
    return { title, setting: { ...setting, rounds }, figure, rows, checks: checks?.(rows) ?? [] }
  } finally {
    for (const server of servers.reverse()) await server.end()
  }
}

type Compared = Pick<Result, 'figure' | 'rows'>

/** A row relative to its baseline: median, minimum and maximum of the rounds. */
export function ratioOf (result: Compared, row: Row): { median: number, least: number, most: number } | undefined {
  const ratios = ratiosOf(result, row)
  return ratios && { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

function isKnown (result: Compared, row: Row): boolean {
  const ratios = ratiosOf(result, row)
  if (ratios === undefined) return true
  const { least, most } = medianInterval(ratios)
  return most - least <= narrow * median(ratios)
}

function ratiosOf ({ figure, rows }: Compared, row: Row): number[] | undefined {
  const baseline = rows.find(({ name }) => name === row.baseline)
  if (baseline === undefined) return undefined
  const others = valuesOf(baseline, figure)
  return valuesOf(row, figure).map((value, round) => value / (others[round] ?? NaN))
}

/** One figure of a row, round by round. */
export function valuesOf ({ rounds }: Row, figure: string): number[] {
  return rounds.map((figures) => figures[figure] ?? NaN)
}

/** Whether a check's value is within its bounds. */
export function holds ({ value, atMost = Infinity, atLeast = 0 }: Check): boolean {
  return value <= atMost && value >= atLeast
}
