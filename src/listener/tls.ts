import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type Config, ConfigError } from '../config/schema.js'
import type { Log } from '../telemetry/log.js'
import type { Timers } from '../timing/timers.js'

/** How often the files are looked at. In ms. */
const lookMs = 1_000
/** So much of a path is told. */
const maxToldLength = 256

const settings = ['TLS_CERT', 'TLS_KEY', 'TLS_CA'] as const

type Setting = typeof settings[number]
type Texts = Partial<Record<Setting, string>>

/** The certificates of all listeners of this process. */
export interface Tls {
  /** A server that speaks TLS from now on, and takes over what comes new. */
  createServer (options: ServerOptions, listener: RequestListener): Server
  /** Looks from now on whether the files have changed, also where a link of their paths leads elsewhere. Open sockets keep what they have. */
  watch (timers: Timers, log: Log): void
  /** Looks no more, and ends what is connected to its servers: a handshake that is not done would keep one from closing. */
  close (): void
}

/**
 * What `TLS_CERT` and the other files say; undefined without them.
 *
 * @throws ConfigError for a file that cannot be read or holds something else, and for a key of another certificate
 */
export function tlsOf (config: Config): Tls | undefined {
  if (config.TLS_CERT === undefined) return undefined
  const paths = settings.flatMap((name) => config[name] === undefined ? [] : [[name, config[name]] as const])
  const servers = new Set<Server>()
  const sockets = new Set<Duplex>()
  let isClosed = false
  let texts: Texts = Object.fromEntries(paths.map(([name, path]) => [name, readNow(name, path)]))
  let context = contextOf(texts, config)
  let seen = ''
  let complaint = ''

  /** Takes the files over if they have changed, and are good together. */
  async function look (log: Log): Promise<void> {
    // Before they are read: what changes in between is seen the next time.
    const looks = (await Promise.all(paths.map(async ([, path]) => await lookOf(path)))).join()
    if (looks === seen) return
    try {
      const fresh: Texts = Object.fromEntries(await Promise.all(paths.map(async ([name, path]) => [name, await readFile(path, 'utf8').catch(unreadable(name, path))])))
      if (isClosed) return
      if (paths.some(([name]) => fresh[name] !== texts[name])) take(fresh, log)
      seen = looks
    } catch (error) {
      const { message } = error as Error
      if (complaint !== looks + message) log.warn({ reason: message }, 'changed TLS files cannot be used: the certificates loaded before stay')
      complaint = looks + message
    }
  }

  function take (fresh: Texts, log: Log): void {
    context = contextOf(fresh, config)
    texts = fresh
    for (const server of servers) server.setSecureContext(context)
    log.info({ validTo: new X509Certificate(fresh.TLS_CERT ?? '').validTo }, 'TLS certificates reloaded')
  }

  return {
    createServer (options, listener) {
      const server = createServer({
        ...options,
        ...context,
        requestCert: config.TLS_CA !== undefined,
        rejectUnauthorized: config.TLS_REQUIRE_CLIENT_CERT
      }, listener)
      servers.add(server)
      server.on('close', () => servers.delete(server))
      server.on('connection', (socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      // A certificate whose signature is wrong leaves an error behind in OpenSSL, for which Node would end a client that goes on
      // without one. To ask for it takes the error away.
      server.on('secureConnection', (socket) => socket.getPeerX509Certificate())
      return server
    },
    watch (timers, log) {
      function lookLater () {
        if (!isClosed) timers.schedule(lookMs, () => { look(log).finally(lookLater) })
      }
      lookLater()
    },
    close () {
      isClosed = true
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** Changes whenever the file does, or another one takes its place. */
async function lookOf (path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

function readNow (name: Setting, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return unreadable(name, path)(error)
  }
}

const unreadable = (name: Setting, path: string) => (error: unknown): never => {
  throw unfit(name, path, `a file that can be read (${(error as NodeJS.ErrnoException).code})`)
}

/** What servers take: the files' content, once it fits together. */
function contextOf ({ TLS_CERT: cert = '', TLS_KEY: key = '', TLS_CA: ca }: Texts, config: Config): SecureContextOptions {
  const [certificate] = certificatesOf('TLS_CERT', cert, config)
  // Without a certificate in it, Node would trust every public authority.
  if (ca !== undefined) certificatesOf('TLS_CA', ca, config)
  if (certificate?.checkPrivateKey(privateKeyOf(key, config)) !== true) throw unfit('TLS_KEY', config.TLS_KEY, 'the key of the first certificate of TLS_CERT')
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }
  try {
    createSecureContext(context)
  } catch (error) {
    throw unfit('TLS_CERT', config.TLS_CERT, `a certificate that is strong enough (${(error as NodeJS.ErrnoException).code})`)
  }
  return context
}

function certificatesOf (name: Setting, text: string, config: Config): X509Certificate[] {
  try {
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? []
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block))
  } catch {}
  throw unfit(name, config[name], 'a file of certificates in PEM')
}

function privateKeyOf (text: string, config: Config): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text)
  } catch {
    throw unfit('TLS_KEY', config.TLS_KEY, 'a file of a private key in PEM, without a passphrase')
  }
}

/** Of a long path the end is told, which names the file. */
function unfit (name: Setting, path = '', takes: string): ConfigError {
  return new ConfigError(`${name}: got ${JSON.stringify(path.length > maxToldLength ? `…${path.slice(-maxToldLength)}` : path)}, takes ${takes}`)
}
