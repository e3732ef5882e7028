import { ConfigSchema, flagOf, type Settings } from '../config/schema.js'
import { CommandError } from './command.js'

/** A command's own options: whether each takes a value. */
export type OptionKinds = Readonly<Record<string, 'value' | 'switch'>>

/** The arguments of a command, taken apart. */
export interface Given {
  /** Values of its own options, by name without dashes. Of several, the last counts. */
  readonly values: ReadonlyMap<string, string>
  readonly switches: ReadonlySet<string>
  /** What belongs to no flag. */
  readonly positionals: readonly string[]
  /** The flags of settings with their values, for `readConfig`. */
  readonly settings: readonly string[]
}

const settings: Settings = ConfigSchema.properties
const booleanFlags: ReadonlySet<string> = new Set(Object.keys(settings).filter((name) => settings[name]?.type === 'boolean').map(flagOf))

/**
 * Tells a command's own options from the flags of settings, which every command takes as the server does.
 *
 * @throws CommandError for an own option without its value
 */
export function takeOptions (argv: readonly string[], kinds: OptionKinds): Given {
  const values = new Map<string, string>()
  const switches = new Set<string>()
  const positionals: string[] = []
  const rest: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] as string
    const next = argv[at + 1]
    const [, name = '', , value] = /^--([^=]+)(=(.*))?$/s.exec(arg) ?? []
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === 'switch') switches.add(name)
    else if (kind === 'value') {
      const given = value ?? next
      if (given === undefined || (value === undefined && given.startsWith('--'))) throw new CommandError(`--${name} takes a value`)
      if (value === undefined) at++
      values.set(name, given)
    } else if (!arg.startsWith('-')) positionals.push(arg)
    else {
      rest.push(arg)
      const takesNext = value === undefined && next !== undefined && !next.startsWith('-')
      const isValue = booleanFlags.has(arg) ? next === 'true' || next === 'false' : takesNext
      if (takesNext && isValue) rest.push(argv[++at] as string)
    }
  }
  return { values, switches, positionals, settings: rest }
}

/** The entries of a list; undefined where the option is absent, and empty for an empty text. */
export function listOf (text: string | undefined): string[] | undefined {
  return text?.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '')
}
