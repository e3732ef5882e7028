import { readConfig } from '../../settings.js'
import { CommandError, type Surroundings } from '../command.js'
import { takeOptions } from '../options.js'
import { mint, signerOf } from '../token/mint.js'
import { readUrl } from '../url.js'
import { jsonLine, textLine } from './lines.js'
import { Overview } from './overview.js'
import { screen } from './screen.js'
import { Server } from './server.js'
import { Terminal } from './terminal.js'
import { watch } from './watch.js'

const usage = `Usage: signalbox top URL [options] [--setting value]...

Shows how all nodes of a server do, once a second, until q or Ctrl-C. The URL is that of the server, with the prefix of its proxy.
Where the output is no terminal, it prints a line a second.

  --token TOKEN     a token with the role admin; by default one is signed with JWT_SECRET, if the server asks for one
  --key FILE        sign tokens with this private key
  --json            print a line of JSON a second
  --count N         print N lines, and end
`

const options = { token: 'value', key: 'value', count: 'value', json: 'switch', help: 'switch' } as const

/** How long a token lasts that it signs for itself. In s. */
const lifetime = 600

/**
 * `signalbox top`: the console's overview in a terminal.
 *
 * @throws CommandError or ConfigError for arguments that make no sense, and for a server that does not answer as it should
 */
export async function top (argv: readonly string[], { env, stdout }: Surroundings): Promise<number> {
  const { values, switches, positionals, settings } = takeOptions(argv, options)
  if (switches.has('help')) {
    stdout.write(usage)
    return 0
  }
  const [url, ...others] = positionals
  if (url === undefined || others.length > 0) throw new CommandError('top: expected one URL, such as http://localhost:8080; see top --help')
  const config = readConfig(env, settings)
  const signer = signerOf(config, values.get('key'))
  const server = new Server({
    url: readUrl(url, 'top'),
    token: values.get('token'),
    sign: async () => {
      const iat = Math.floor(Date.now() / 1000)
      return signer && await mint({ sub: 'signalbox-top', iat: iat - 1, exp: iat + lifetime, roles: ['admin'] }, signer, config)
    }
  })
  const count = values.has('count') ? countIn(values.get('count')) : undefined
  const isScreen = stdout === process.stdout && stdout.isTTY === true && !switches.has('json') && count === undefined
  if (isScreen) await show(server, env.NO_COLOR === undefined)
  else await print(server, stdout, { isJson: switches.has('json'), count })
  return 0
}

function countIn (text = ''): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CommandError('--count: expected a number of lines, 1 or more')
  return Number(text)
}

/** On a screen of its own. */
async function show (server: Server, hasColors: boolean): Promise<void> {
  const overview = new Overview()
  const quitting = new AbortController()
  let trouble: string | undefined
  let terminal: Terminal | undefined
  const draw = (): void => terminal?.draw(screen({ overview, url: server.url, trouble, ...terminal.size }))
  // Whatever stops it before the first second is said on the screen that was there.
  const open = (): Terminal => {
    const { stdin, stdout } = process
    const opened = new Terminal({ stdin, stdout, hasColors, onResize: draw, onQuit: () => quitting.abort() })
    opened.open()
    return opened
  }
  try {
    await watch(server, overview, {
      second () {
        trouble = undefined
        terminal ??= open()
        draw()
      },
      lost (why) {
        trouble = `Lost: ${why}. Trying again; what follows is from before.`
        draw()
      }
    }, quitting.signal)
  } finally {
    terminal?.close()
  }
}

/** As lines. */
async function print (
  server: Server, stdout: Surroundings['stdout'], { isJson, count = Infinity }: { isJson: boolean, count: number | undefined }
): Promise<void> {
  const overview = new Overview()
  const ending = new AbortController()
  let printed = 0
  let isLost = false
  // Whoever reads has read enough.
  if (stdout === process.stdout) process.stdout.once('error', () => ending.abort())
  await watch(server, overview, {
    second () {
      isLost = false
      if (printed < count) stdout.write(`${isJson ? jsonLine(overview) : textLine(overview)}\n`)
      if (++printed >= count) ending.abort()
    },
    lost (why) {
      if (!isLost) process.stderr.write(`signalbox: top: lost: ${why}; trying again\n`)
      isLost = true
    }
  }, ending.signal)
}
