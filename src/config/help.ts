import { acceptedBy, defaultOf } from './describe.js'
import { ConfigSchema, flagOf, type Settings } from './schema.js'

const own: Settings = ConfigSchema.properties

/** A command as `--help` names it. */
interface NamedCommand {
  readonly usage: string
  readonly summary: string
}

/** The text that `--help` prints. The settings of plugins come last. */
export function helpText (further: Settings = {}, commands: readonly NamedCommand[] = []): string {
  const settings = Object.entries({ ...own, ...further })
  const width = Math.max(...settings.map(([name]) => flagOf(name).length))
  const lines = settings.flatMap(([name, schema]) => [
    `  ${flagOf(name).padEnd(width)}  ${(schema.description ?? '').replaceAll('`', '')}`,
    `  ${' '.repeat(width)}  accepts ${acceptedBy(schema)}; default ${defaultOf(schema) || 'none'}; environment ${name}`
  ])
  return [
    'Usage: signalbox [--setting value]...',
    ...commands.map(({ usage }) => `       signalbox ${usage} [--setting value]...`),
    '',
    ...commands.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`),
    ...(commands.length > 0 ? [`  ${' '.repeat(width)}  signalbox COMMAND --help says more`, ''] : []),
    'Without a command, signalbox starts the signaling server. Every setting is also an environment variable; a flag wins.',
    'A setting can also be in a file: `--jwt-secret-file /run/secrets/jwt`, or JWT_SECRET_FILE.',
    '',
    ...lines,
    '',
    `  ${'--help'.padEnd(width)}  Print this`,
    ''
  ].join('\n')
}

/** The README's table of settings. */
export function settingsTable (further: Settings = {}): string {
  const rows = Object.entries({ ...own, ...further }).map(([name, schema]) => {
    const byDefault = defaultOf(schema) === '' ? '–' : `\`${defaultOf(schema)}\``
    return `| \`${name}\` | ${byDefault} | ${acceptedBy(schema)} | ${schema.description ?? ''} |`
  })
  return ['| setting | default | accepts | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** `.env.example`: every setting with its default, commented out. */
export function envExample (further: Settings = {}): string {
  return Object.entries({ ...own, ...further })
    .map(([name, schema]) => `# ${schema.description ?? ''} (${acceptedBy(schema)})\n# ${name}=${defaultOf(schema)}\n`)
    .join('\n')
}
