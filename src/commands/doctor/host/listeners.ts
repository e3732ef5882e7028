import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Config, SettingName } from '../../../config/schema.js'
import { addressesOf, listenError } from '../../../listener/listening.js'
import { listenAtPath } from '../../../listener/unix-socket.js'
import { unixPathOf } from '../../../net/unix-path.js'
import { type Check, failure, type Finding, ok, warning } from '../check.js'
import { ask } from '../http.js'
import type { Host } from './host.js'

const start = 'docs/errors.md#at-the-start'

interface Listener {
  readonly setting: SettingName
  /** As the setting has it. */
  readonly value: string
  readonly port: number
}

export const listenerChecks: ReadonlyArray<Check<Host>> = [
  {
    group: 'Listeners',
    name: 'ports',
    after: 'settings',
    run: async ({ settings }) => {
      const path = unixPathOf(settings.HOST)
      if (path !== undefined) return await tryPath(path, settings)
      const main: Listener = { setting: 'PORT', value: String(settings.PORT), port: settings.PORT }
      const native = settings.NATIVE_PORTS.map((value): Listener => {
        return { setting: 'NATIVE_PORTS', value, port: Number(value.split(':')[1]) }
      })
      return await Promise.all([main, ...native].map(async (listener) => await tryListener(listener, settings)))
    }
  }
]

async function tryListener (listener: Listener, config: Config): Promise<Finding> {
  const { setting, value, port } = listener
  if (port === 0) return ok(`${setting}: ${value}, which is any free port`)
  try {
    for (const address of await addressesOf(config)) await listenOnce(port, address)
    return ok(`${setting}: ${value} is free`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' && await isSignalbox(port, config)) {
      return warning(`${setting}: ${value} is in use by a Signalbox that runs already`,
        `signalbox doctor http://localhost:${port}    # looks at that one`)
    }
    return failure(listenError(error, config, setting, value).message, fixFor(code, listener), start)
  }
}

/** As the server does it: a socket left behind is removed. */
async function tryPath (path: string, config: Config): Promise<Finding> {
  const server = createServer()
  try {
    await listenAtPath(path, async () => await once(server.listen(path), 'listening'))
    await once(server.close(), 'close')
    return ok(`HOST: ${config.HOST} is free`)
  } catch (error) {
    const advice = 'or end who has it: ss -lxp, or make the directory: install -d -m 2750'
    return failure(listenError(error, config, 'HOST', path).message, `HOST=unix:/run/signalbox/other.sock    # ${advice}`, start)
  }
}

/** A name may have addresses that the machine does not have: those are left out, as by the server. */
async function listenOnce (port: number, address: string): Promise<void> {
  const server = createServer()
  try {
    await once(server.listen({ port, host: address, exclusive: true }), 'listening')
  } finally {
    if (server.listening) await once(server.close(), 'close')
  }
}

async function isSignalbox (port: number, { TLS_CERT, HOST }: Config): Promise<boolean> {
  const host = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST.includes(':') ? `[${HOST}]` : HOST
  const url = `${TLS_CERT === undefined ? 'http' : 'https'}://${host}:${port}/health`
  // Whoever it is, nothing is told to it.
  return await ask(url, { rejectUnauthorized: false }).then(({ isSignalbox }) => isSignalbox, () => false)
}

function fixFor (code: string | undefined, { setting, value, port }: Listener): string {
  const another = setting === 'PORT' ? `PORT=${port + 1}` : `NATIVE_PORTS=${value.replace(/\d+$/, String(port + 1))}`
  if (code === 'EADDRINUSE') return `${another}    # or end who has it: ss -ltnp 'sport = :${port}'`
  if (code === 'EACCES') return `${setting === 'PORT' ? 'PORT=8080' : another}    # with a proxy in front, as in docs/deploy.md`
  return 'HOST=0.0.0.0    # or an address of this machine: ip address'
}
