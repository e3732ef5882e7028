import { median, type Figures } from './figures.js'

/** One bench: it measures, and says what it measured. `bench/run.ts` lists all of them. */
export interface Bench {
  /** What `--only` takes. */
  readonly name: string
  readonly title: string
  run (options: BenchOptions): Promise<Result>
}

export interface BenchOptions {
  /** How often every case is measured, in turns. */
  readonly rounds: number
  /** Before each measurement, with the load on: code gets warm. */
  readonly warmUpMs: number
  /** How long one measurement takes. */
  readonly measureMs: number
  /** A smoke: as small as still tells something. */
  readonly isSmall: boolean
  /** Another Node to compare with, if any. */
  readonly node: string | undefined
  /** Told what is going on. */
  readonly log: (line: string) => void
}

/** What is written to `bench/results`: enough to tell how it came about. */
export interface Result {
  readonly setting: Record<string, string | number>
  /** Which figure is compared, with its unit. The others are told beside it. */
  readonly figure: string
  readonly rows: readonly Row[]
  /** Goals that are no ratio of two rows. */
  readonly checks?: readonly Check[]
}

export interface Row {
  readonly name: string
  /** In the order they were measured. All rows' first are one round, and so on. */
  readonly rounds: readonly Figures[]
  /** The row it is compared with, round by round. */
  readonly baseline?: string
  /** What the ratio may be at most. */
  readonly goal?: number
}

export interface Check {
  readonly name: string
  readonly value: number
  readonly atMost?: number
  readonly atLeast?: number
}

/** Something to be measured in turns with others. */
export interface Case extends Omit<Row, 'rounds'> {
  measure (round: number): Promise<Figures>
}

/** Measures A B A B. */
export async function inTurns (cases: readonly Case[], rounds: number, log: BenchOptions['log'], figure: string): Promise<Row[]> {
  const measured = cases.map((): Figures[] => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [at, one] of cases.entries()) {
      const figures = await one.measure(round)
      measured[at]?.push(figures)
      log(`round ${round}, ${one.name}: ${figures[figure]?.toPrecision(3)} ${figure}`)
    }
  }
  return cases.map(({ measure, ...row }, at) => ({ ...row, rounds: measured[at] ?? [] }))
}

/** How many times its baseline a row is: the median of the rounds, and the least and the most. */
export function ratioOf ({ figure, rows }: Result, row: Row): { median: number, least: number, most: number } | undefined {
  const baseline = rows.find(({ name }) => name === row.baseline)
  if (baseline === undefined) return undefined
  const ratios = row.rounds.map((figures, round) => (figures[figure] ?? NaN) / (baseline.rounds[round]?.[figure] ?? NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/** Whether a check's value is where it must be; `slack` times off is near enough. */
export function holds ({ value, atMost = Infinity, atLeast = 0 }: Check, slack = 1): boolean {
  return value <= atMost * slack && value >= atLeast / slack
}
