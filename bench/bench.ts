/** One bench: it measures, and says what it measured. `bench/run.ts` lists all of them. */
export interface Bench {
  /** What `--only` takes, and part of its result's file name. */
  readonly name: string
  readonly title: string
  run (options: BenchOptions): Promise<Result>
}

export interface BenchOptions {
  /** How often every case is measured, in turns. */
  rounds: number
  /** Before each measurement: connections settle, code gets warm. */
  warmUpMs: number
  /** How long one measurement takes. */
  measureMs: number
  /** Told what is going on. */
  log: (line: string) => void
}

/** What is written to `bench/results`: enough to tell how it came about. */
export interface Result {
  readonly setting: Record<string, string | number>
  /** Medians over the rounds, a row a case. */
  readonly medians: Record<string, Figures>
  readonly rounds: Record<string, Figures[]>
}

export type Figures = Record<string, number>

/** The middle one; of two in the middle the lower. */
export function median (values: readonly number[]): number {
  return quantile([...values].sort((one, other) => one - other), 0.5)
}

/** Of values in order. */
export function quantile (sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}

/** Figure by figure. */
export function medians (rounds: readonly Figures[]): Figures {
  return Object.fromEntries(Object.keys(rounds[0] ?? {}).map((figure) => [figure, median(rounds.map((round) => round[figure] ?? NaN))]))
}

/** Medians as a table in Markdown. */
export function table ({ medians }: Result): string {
  const figures = Object.keys(Object.values(medians)[0] ?? {})
  const rows = Object.entries(medians).map(([name, row]) => [name, ...figures.map((figure) => rounded(row[figure] ?? NaN))])
  return [['', ...figures], ['---', ...figures.map(() => '---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function rounded (value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en').replaceAll(',', ' ') : value.toPrecision(3)
}
