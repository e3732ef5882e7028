import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError, invalidValue } from '../config/config-error.js'
import type { Config } from '../config/schema.js'
import type { Log } from '../telemetry/log.js'
import type { Timers } from '../timing/timers.js'

/** How often the files are polled. In ms. */
const pollMs = 1_000
/** Characters of a path in a message. */
const maxPathLength = 256

const settings = ['TLS_CERT', 'TLS_KEY', 'TLS_CA'] as const

type Setting = typeof settings[number]
type Texts = Partial<Record<Setting, string>>

/** The certificates of all listeners of this process. */
export interface Tls {
  /** Creates a server that uses the certificates, and those that replace them. */
  createServer (options: ServerOptions, listener: RequestListener): Server
  /** Reloads the files when they change, or when a link in their paths leads elsewhere. Open sockets keep their certificates. */
  watch (timers: Timers, log: Log): void
  /** Stops watching, and destroys the sockets of its servers: an unfinished handshake would keep a server from closing. */
  close (): void
}

/**
 * The certificates in the files of `TLS_CERT`, `TLS_KEY` and `TLS_CA`. Undefined without them.
 *
 * @throws ConfigError for a file that cannot be read or used, and for a key that does not match the certificate
 */
export function tlsOf (config: Config): Tls | undefined {
  if (config.TLS_CERT === undefined) return undefined
  const paths = settings.flatMap((name) => config[name] === undefined ? [] : [[name, config[name]] as const])
  const read = (): Texts => Object.fromEntries(paths.map(([name, path]) => [name, readText(name, path)]))
  const servers = new Set<Server>()
  const sockets = new Set<Duplex>()
  let texts = read()
  let context = contextOf(texts, config)
  let unwatch = (): void => {}

  function reload (fresh: Texts): void {
    context = contextOf(fresh, config)
    texts = fresh
    for (const server of servers) server.setSecureContext(context)
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
      // A client certificate with a bad signature leaves an error in OpenSSL's queue, for which Node would end a client that may go on
      // without a certificate. Asking for the certificate clears the queue.
      server.on('secureConnection', (socket) => socket.getPeerX509Certificate())
      return server
    },
    watch (timers, log) {
      let reported = ''
      function check (): void {
        timers.cancel(retry)
        let fresh: Texts = {}
        try {
          fresh = read()
          if (paths.every(([name]) => fresh[name] === texts[name])) return
          reload(fresh)
          log.info({ validTo: new X509Certificate(fresh.TLS_CERT ?? '').validTo }, 'TLS certificates reloaded')
        } catch (error) {
          const { message } = error as Error
          // Once for the same files.
          const report = message + JSON.stringify(fresh)
          if (report !== reported) log.warn({ reason: message }, 'changed TLS files cannot be used: the certificates loaded before stay')
          reported = report
          // They may be half of a change, or unreadable for a moment.
          retry = timers.schedule(pollMs, check)
        }
      }
      // Once without a change: the files may have changed between their first reading and the first poll.
      let retry = timers.schedule(pollMs, check)
      for (const [, path] of paths) watchFile(path, { interval: pollMs, persistent: false }, check)
      unwatch = () => {
        timers.cancel(retry)
        for (const [, path] of paths) unwatchFile(path, check)
      }
    },
    close () {
      unwatch()
      for (const socket of sockets) socket.destroy()
    }
  }
}

function readText (name: Setting, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unfit(name, path, `a readable file (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Checks the files together, and returns what a server takes. */
function contextOf ({ TLS_CERT: cert = '', TLS_KEY: key = '', TLS_CA: ca }: Texts, config: Config): SecureContextOptions {
  const [certificate] = certificatesOf('TLS_CERT', cert, config)
  // If it held no certificate, Node would trust every public authority.
  if (ca !== undefined) certificatesOf('TLS_CA', ca, config)
  if (certificate?.checkPrivateKey(privateKeyOf(key, config)) !== true) {
    throw unfit('TLS_KEY', config.TLS_KEY, 'the private key of the first certificate in TLS_CERT')
  }
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }
  try {
    createSecureContext(context)
  } catch (error) {
    throw unfit('TLS_CERT', config.TLS_CERT, `a certificate with a stronger key or signature (${(error as NodeJS.ErrnoException).code})`)
  }
  return context
}

function certificatesOf (name: Setting, text: string, config: Config): X509Certificate[] {
  try {
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? []
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block))
  } catch {}
  throw unfit(name, config[name], 'a PEM file with certificates')
}

function privateKeyOf (text: string, config: Config): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text)
  } catch {
    throw unfit('TLS_KEY', config.TLS_KEY, 'a PEM file with a private key, without a passphrase')
  }
}

/** A long path is cut at its start: its end names the file. */
function unfit (name: Setting, path = '', expected: string): ConfigError {
  const shown = path.length > maxPathLength ? `…${path.slice(-maxPathLength)}` : path
  return new ConfigError(`${name}: ${invalidValue(JSON.stringify(shown), expected)}`)
}
