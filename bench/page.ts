import { readFileSync, writeFileSync } from 'node:fs'
import { type Entry, latest } from './results.js'
import { table } from './table.js'

const page = new URL('../docs/performance.md', import.meta.url)

/** The page with the tables of the latest results between its markers. */
export function withTables (page: string, entries: Readonly<Record<string, Entry>> = latest()): string {
  return page.replace(/(<!-- bench (\S+): [^>]*-->\n)[^]*?(<!-- \/bench -->)/g, (_, begin: string, name: string, end: string) => {
    const entry = entries[name]
    return `${begin}\n${entry === undefined ? 'Not measured yet.' : caption(entry) + '\n\n' + table(entry)}\n\n${end}`
  })
}

function caption ({ date, machine, setting }: Entry): string {
  const settings = Object.entries(setting).map(([name, value]) => typeof value === 'string' ? value : `${name} ${value}`)
  return `${date.slice(0, 10)}, ${machine}; ${settings.join(', ')}`
}

/** Writes docs/performance.md. */
export function printPage (): void {
  writeFileSync(page, withTables(readFileSync(page, 'utf8')))
}
