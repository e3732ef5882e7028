import { readFileSync, writeFileSync } from 'node:fs'
import { envExample, settingsTable } from '../src/config/help.js'
import { furtherSettings } from '../src/settings.js'

const begin = '<!-- settings: printed by npm run settings -->\n'
const end = '\n<!-- /settings -->'

/** The README with the current table of settings. */
export function withSettings (readme: string): string {
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from === -1 || to === -1) throw new Error('README.md has no place for the settings')
  return readme.slice(0, from + begin.length) + settingsTable(furtherSettings()) + readme.slice(to)
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const readme = new URL('../README.md', import.meta.url)
  writeFileSync(readme, withSettings(readFileSync(readme, 'utf8')))
  writeFileSync(new URL('../.env.example', import.meta.url), envExample(furtherSettings()))
}
