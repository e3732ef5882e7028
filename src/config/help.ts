import { type Config, ConfigSchema, configNames, defaultOf, flagOf, takes } from './schema.js'

const meaning = (name: keyof Config): string => ConfigSchema.properties[name].description ?? ''

/** What `--help` prints. */
export function helpText (): string {
  const width = Math.max(...configNames.map((name) => flagOf(name).length))
  const lines = configNames.flatMap((name) => [
    `  ${flagOf(name).padEnd(width)}  ${meaning(name).replaceAll('`', '')}`,
    `  ${' '.repeat(width)}  takes ${takes(name)}; default ${defaultOf(name) || 'none'}; environment ${name}`
  ])
  return ['Usage: signalbox [--setting value]...', '', 'Starts the signaling server. Every setting is also an environment variable; a flag wins.', '', ...lines, '', `  ${'--help'.padEnd(width)}  Print this`, ''].join('\n')
}

/** The README's table of settings. */
export function settingsTable (): string {
  const rows = configNames.map((name) => `| \`${name}\` | ${defaultOf(name) === '' ? '–' : `\`${defaultOf(name)}\``} | ${takes(name)} | ${meaning(name)} |`)
  return ['| setting | default | takes | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** `.env.example`: every setting with its default, commented out. */
export function envExample (): string {
  return configNames.map((name) => `# ${meaning(name)} (${takes(name)})\n# ${name}=${defaultOf(name)}\n`).join('\n')
}
