import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import type { Config, DialectName } from './config.js'
import type { Tls } from './tls.js'

/**
 * How long a client may take over its TLS handshake, the head of its request and all of it, and how often that is looked at.
 * In ms; a socket, once upgraded, is not a request any more.
 */
export const timeouts = { handshakeTimeout: 10_000, headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 }

export type Timeouts = typeof timeouts

export interface ListenersOptions {
  prefix: string
  tls: Tls | undefined
  timeouts: Timeouts
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The ports of the native listeners, in the order of `NATIVE_PORTS`. */
    nativePorts: number[]
  }
}

/** Answers where on the main listener a path of the original server is, or undefined where the original has nothing. */
type Translate = (path: string, isUpgrade: boolean, config: Config) => string | undefined

/** The paths of each original server. Those that have one socket take it on any path. */
const translations: Record<DialectName, Translate> = {
  rooms: (path, isUpgrade) => isUpgrade ? '/rooms' : path === '/health' ? '/rooms/health' : undefined,
  drone: (path, isUpgrade) => isUpgrade ? '/drone' : path === '/health' ? '/drone/health' : undefined,
  tom: (path, isUpgrade) => isUpgrade ? '/tom' : path === '/health' ? '/tom/health' : undefined,
  psync: (path, isUpgrade) => isUpgrade ? (/^\/ws\/?$/.test(path) ? '/psync/ws' : undefined) : path === '/health' ? '/psync/health' : undefined,
  peerjs (path, isUpgrade, { PEERJS_PATH, PEERJS_KEY }) {
    const base = PEERJS_PATH.replace(/\/$/, '')
    if (!path.startsWith(`${base}/`)) return path === base ? path : undefined
    const rest = path.slice(base.length)
    if (isUpgrade) return /^\/peerjs\/?$/.test(rest) ? path : undefined
    const [, key = '', endpoint] = /^\/([^/]*)\/(id|peers)$/.exec(rest) ?? []
    if (endpoint === undefined) return rest === '/' || rest === '/peerjs/health' ? path : undefined
    // Another dialect's paths begin with its name, which here is only a wrong key.
    return PEERJS_KEY.includes(decodeURIComponent(key)) ? path : `${base}/-/${endpoint}`
  }
}

/**
 * `NATIVE_PORTS`: further listeners, on each of which one dialect answers at its original server's paths. They translate
 * paths and hand everything to the app, so a peer on one is a peer on the other. They speak TLS where there is a `tls`.
 */
export const listeners = fp<ListenersOptions>(async (app, { prefix, tls, timeouts }) => {
  const { config, timers } = app.signalbox
  const servers: Server[] = []
  app.decorate('nativePorts', [])

  function listen (dialect: DialectName, port: number): Promise<void> {
    const translate = translations[dialect]
    const redirect = (request: IncomingMessage, isUpgrade: boolean): boolean => {
      const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s)
      const target = safely(() => translate(path, isUpgrade, config))
      if (target === undefined) return false
      request.url = `${prefix}${target}${query === undefined ? '' : `?${query}`}`
      return true
    }
    const answer: RequestListener = (request, response) => {
      if (redirect(request, false)) app.routing(request, response)
      else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}')
    }
    const server: Server = tls === undefined ? createServer(timeouts, answer) : tls.createServer(timeouts, answer)
    server.on('upgrade', (request, socket, head) => {
      // Node has taken its own listener away, and a client that resets the connection now would end the process.
      socket.on('error', () => socket.destroy())
      if (redirect(request, true)) app.server.emit('upgrade', request, socket, head)
      else socket.once('finish', () => socket.destroy()).end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    servers.push(server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, config.HOST, () => {
        const { port } = server.address() as AddressInfo
        app.nativePorts.push(port)
        app.log.info(`${dialect} alone at ${config.HOST}:${port}`)
        resolve()
      })
    })
  }

  app.addHook('onReady', async () => {
    for (const entry of config.NATIVE_PORTS) {
      const [dialect = '', port] = entry.split(':')
      await listen(dialect as DialectName, Number(port))
    }
    tls?.watch(timers, app.log)
  })
  // After the sockets, which have closed with a code by now.
  app.addHook('preClose', async () => tls?.close())
  app.addHook('onClose', async () => {
    await Promise.all(servers.map((server) => new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })))
  })
}, { name: 'listeners', fastify: '5.x', dependencies: ['signalbox', 'websocket'] })

function safely<T> (decode: () => T): T | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}
