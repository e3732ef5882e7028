import { parseArgs } from 'node:util'
import { ConfigError } from './config-error.js'
import { peerServerFlags } from './peerserver-flags.js'
import { fileSettingOf, flagOf, type Settings } from './schema.js'

/** Characters of an unknown flag in a message. Longer than any flag. */
const maxFlagLength = 64

interface Flags {
  /** As text, by flag without its dashes. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  /** The setting of each flag: `PORT`, or `PORT_FILE`. */
  readonly names: ReadonlyMap<string, string>
}

/**
 * The values of flags, by setting. `--port-file` is under `PORT_FILE`.
 *
 * @throws ConfigError for an unknown flag, and for one without a value
 */
export function readFlags (argv: readonly string[], settings: Settings): Partial<Record<string, string>> {
  try {
    const { values, names } = parseFlags(argv, settings, true)
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [names.get(flag), String(value)]))
  } catch (error) {
    throw new ConfigError(`${describeFlagError(error as Error & { code?: string }, argv, settings)}; --help lists the flags`)
  }
}

/** Flags and their values as text. What is not `strict` skips unknown flags. */
export function parseFlags (argv: readonly string[], settings: Settings, strict: boolean): Flags {
  const names = new Map(Object.keys(settings).flatMap((name) => [name, fileSettingOf(name)]).map((name) => [flagOf(name).slice(2), name]))
  const args = argv.map((arg, at) => {
    const isBoolean = settings[names.get(arg.slice(2)) ?? '']?.type === 'boolean'
    return isBoolean && (argv[at + 1] ?? '--').startsWith('-') ? `${arg}=true` : arg
  })
  const options = Object.fromEntries([...names.keys()].map((flag) => [flag, { type: 'string' as const }]))
  const { values } = parseArgs({ args, options, strict, allowPositionals: !strict })
  return { values, names }
}

/** Shows names only: an argument that is no flag may be the value of one, and a secret. */
function describeFlagError ({ code, message }: Error & { code?: string }, argv: readonly string[], settings: Settings): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'Unexpected argument (hidden, since it may be a secret)'
  const [sentence = ''] = message.split(/\.\s/)
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return sentence
  const flag = /^Unknown option '(.*)'$/s.exec(sentence)?.[1] ?? ''
  const ours = ourFlagFor(flag, settings)
  if (ours !== undefined) return `Unknown option '${flag}', which is ${ours} here`
  return isName(flag, argv, settings) ? sentence : 'Unknown option (hidden, since it may be a secret)'
}

/** What somebody meant who wrote a flag as PeerServer has it, or one of ours in another spelling. */
function ourFlagFor (flag: string, settings: Settings): string | undefined {
  const ofPeerServer = peerServerFlags.get(spelled(flag))
  if (ofPeerServer !== undefined) return ofPeerServer
  return Object.keys(settings).map(flagOf).find((own) => spelled(own) === spelled(flag))
}

/** Without what differs between `--expire_timeout`, `--expire-timeout` and `--expireTimeout`. Of one letter, the case counts. */
function spelled (flag: string): string {
  return flag.startsWith('--') ? flag.slice(2).replace(/[_-]/g, '').toLowerCase() : flag
}

/** Whether an argument can only be a flag's name, and neither holds the value of a secret nor stands in its place. */
function isName (flag: string, argv: readonly string[], settings: Settings): boolean {
  if (!/^--?[a-z][a-z-]*$/.test(flag) || flag.length >= maxFlagLength) return false
  const at = argv.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`))
  if (at === -1 || argv[at - 1]?.endsWith('=') === true) return false
  return !Object.entries(settings).some(([name, { writeOnly }]) => writeOnly === true && flag.startsWith(`${flagOf(name)}-`))
}
