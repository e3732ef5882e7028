import { type Command, CommandError } from './command.js'

const names = new Intl.ListFormat('en', { style: 'long' })

/** The commands of the binary, each loaded when it is asked for: a server that starts needs none of them. */
export const commands: Readonly<Record<string, Command>> = {
  doctor: {
    usage: 'doctor [URL]',
    summary: 'Says what is wrong with this host and its settings, or with the deployment at a URL',
    run: async (argv, surroundings) => await (await import('./doctor/index.js')).doctor(argv, surroundings)
  },
  token: {
    usage: 'token --sub NAME',
    summary: 'Prints a token for trying auth out; with --check TOKEN, what a token allows or why it is refused',
    run: async (argv, surroundings) => await (await import('./token/index.js')).token(argv, surroundings)
  },
  top: {
    usage: 'top URL',
    summary: 'Shows how the nodes of a server do, once a second, as the console does',
    run: async (argv, surroundings) => await (await import('./top/index.js')).top(argv, surroundings)
  }
}

/**
 * The command that the arguments begin with. Undefined where they have none, and the server starts.
 *
 * @throws CommandError for an unknown command, which is not quoted, since it may be a secret
 */
export function commandIn ([name = '--']: readonly string[]): Command | undefined {
  if (name.startsWith('-')) return undefined
  if (Object.hasOwn(commands, name)) return commands[name]
  throw new CommandError(`unknown command (hidden, since it may be a secret); the commands are ${names.format(Object.keys(commands))}, ` +
    'and without one the server starts; --help says more')
}
