import { acceptedBy, ConfigSchema, defaultOf, flagOf, type SettingName, settingNames } from './schema.js'

const meaning = (name: SettingName): string => ConfigSchema.properties[name].description ?? ''

/** The text that `--help` prints. */
export function helpText (): string {
  const width = Math.max(...settingNames.map((name) => flagOf(name).length))
  const lines = settingNames.flatMap((name) => [
    `  ${flagOf(name).padEnd(width)}  ${meaning(name).replaceAll('`', '')}`,
    `  ${' '.repeat(width)}  accepts ${acceptedBy(name)}; default ${defaultOf(name) || 'none'}; environment ${name}`
  ])
  return [
    'Usage: signalbox [--setting value]...',
    '',
    'Starts the signaling server. Every setting is also an environment variable; a flag wins.',
    '',
    ...lines,
    '',
    `  ${'--help'.padEnd(width)}  Print this`,
    ''
  ].join('\n')
}

/** The README's table of settings. */
export function settingsTable (): string {
  const rows = settingNames.map((name) => {
    const byDefault = defaultOf(name) === '' ? '–' : `\`${defaultOf(name)}\``
    return `| \`${name}\` | ${byDefault} | ${acceptedBy(name)} | ${meaning(name)} |`
  })
  return ['| setting | default | accepts | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** `.env.example`: every setting with its default, commented out. */
export function envExample (): string {
  return settingNames.map((name) => `# ${meaning(name)} (${acceptedBy(name)})\n# ${name}=${defaultOf(name)}\n`).join('\n')
}
