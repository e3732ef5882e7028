import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Result } from './bench.js'

const directory = new URL('results/', import.meta.url)

/** A result, with when and where it came about. */
export interface Entry extends Result {
  /** ISO 8601. */
  readonly date: string
  readonly machine: string
}

/** What was measured on one day, by the benches' names: `bench/results/<date>.json`. */
type Day = Record<string, Entry>

/** The latest result of every bench. */
export function latest (): Day {
  return Object.assign({}, ...days().map(({ day }) => day))
}

/** Keeps a result in the file of today, and no older one of that bench. */
export function record (name: string, result: Result): void {
  const date = new Date().toISOString()
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
  const today = `${date.slice(0, 10)}.json`
  const older = days()
  for (const { file, day } of older) {
    const { [name]: _, ...rest } = day
    if (file !== today) write(file, rest)
  }
  write(today, { ...older.find(({ file }) => file === today)?.day, [name]: { date, machine, ...result } })
}

/** In order. */
function days (): Array<{ file: string, day: Day }> {
  mkdirSync(directory, { recursive: true })
  const files = readdirSync(directory).filter((file) => file.endsWith('.json')).sort()
  return files.map((file) => ({ file, day: JSON.parse(readFileSync(new URL(file, directory), 'utf8')) }))
}

function write (file: string, day: Day): void {
  if (Object.keys(day).length === 0) return rmSync(new URL(file, directory))
  // One line for the figures of a round, with four significant digits.
  const text = JSON.stringify(day, (_, value) => typeof value === 'number' ? Number(value.toPrecision(4)) : value, 1)
  writeFileSync(
    new URL(file, directory),
    text.replace(/\{\s+("[^"{}]+": -?[\d.e+-]+[^{}[\]]*?)\s+\}/g, (_, figures: string) => `{ ${figures.replace(/\s+/g, ' ')} }`) + '\n'
  )
}
