import { readFileSync } from 'node:fs'
import type { TSchema } from '@sinclair/typebox'
import t from 'tap'
import { withSettings } from '../../scripts/print-settings.js'
import { acceptedBy, defaultOf } from '../../src/config/describe.js'
import { ConfigSchema, flagOf, settingNames, type Settings } from '../../src/config/schema.js'
import { envExample, helpText } from '../../src/config/help.js'
import { furtherSettings } from '../../src/settings.js'

const settings: Settings = { ...ConfigSchema.properties, ...furtherSettings() }

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

t.test('the README’s table of settings is the one the schema prints', async (t) => {
  const readme = read('README.md')
  t.equal(readme, withSettings(readme), 'npm run settings prints it')
  for (const name of settingNames) t.ok(readme.includes(`| \`${name}\` |`), name)
})

t.test('.env.example is the one the schema prints', async (t) => {
  t.equal(read('.env.example'), envExample(furtherSettings()), 'npm run settings prints it')
})

t.test('.env.example with its comment signs removed is the defaults', async (t) => {
  const lines = envExample(furtherSettings()).split('\n').filter((line) => /^# [A-Z_]+=/.test(line))
  t.same(lines, settingNames.map((name) => `# ${name}=${defaultOf(settings[name] as TSchema)}`))
})

t.test('the help names every flag with its variable, its unit or values, and its default', async (t) => {
  const help = helpText(furtherSettings())
  for (const name of settingNames) {
    const schema = settings[name] as TSchema
    t.ok(help.includes(`  ${flagOf(name)} `), flagOf(name))
    t.ok(help.includes(`accepts ${acceptedBy(schema)}; default ${defaultOf(schema) || 'none'}; environment ${name}\n`), name)
  }
  t.match(help, '--help')
  t.match(help, /--drain-ms +Time over which sockets are closed at shutdown, in ms/)
})

t.test('a README without a place for the table is an error', async (t) => {
  t.throws(() => withSettings('# Signalbox'), { message: /no place/ })
})
