import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import fp from 'fastify-plugin'
import { isWebSocketUpgrade } from '../src/listener/ignored-upgrade.js'
import type { NativePath } from '../src/listener/native-path.js'
import { unrouted } from '../src/listener/unrouted.js'
import type { DialectName } from '../src/config/schema.js'
import { backlog, serverOptions, type Timeouts } from '../src/listener/timeouts.js'
import type { Tls } from '../src/listener/tls.js'

export interface ListenersOptions {
  dialects: Readonly<Record<DialectName, { readonly nativePath: NativePath }>>
  prefix: string
  tls: Tls | undefined
  timeouts: Timeouts
  /** Whether the app's own server is guarded like ours; of another app's, only what asks for an upgrade below the prefix. */
  isService: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The ports of the native listeners, in the order of `NATIVE_PORTS`. */
    nativePorts: number[]
  }
}

/**
 * `NATIVE_PORTS`: further listeners, on each of which one dialect answers at its original server's paths. They translate
 * paths and hand everything to the app, so a peer on one is a peer on the other. They speak TLS where there is a `tls`.
 */
export const listeners = fp<ListenersOptions>(async (app, { dialects, prefix, tls, timeouts, isService }) => {
  const { config, timers, gate } = app.signalbox
  const servers: Server[] = []
  app.decorate('nativePorts', [])
  if (isService) gate.guard(app.server)
  else app.server.on('upgrade', onUpgrade)

  /** The server of an app around us may have upgrades that are not ours, and listeners for them. */
  function onUpgrade (request: IncomingMessage, socket: Socket, head: Buffer): void {
    const isOurs = request.url?.startsWith(prefix) === true
    const isWebSocket = isWebSocketUpgrade(request)
    if (isOurs && isWebSocket) gate.awaitUpgrade(socket)
    // @fastify/websocket as the app around us has registered it listens by itself.
    if (gate.upgrades === app.server) return
    if (isWebSocket) gate.upgrades.emit('upgrade', request, socket, head)
    else if (isOurs || app.server.listenerCount('upgrade') === 1) gate.ignoreUpgrade(app.server, request, socket, head)
  }

  function guarded (answer: RequestListener, redirect?: (request: IncomingMessage) => void): Server {
    const [options, listener] = [serverOptions(timeouts), gate.within(answer)]
    const server: Server = tls === undefined ? createServer(options, listener) : tls.createServer(options, listener)
    server.on('clientError', gate.onClientError)
    gate.guard(server, redirect)
    servers.push(server)
    return server
  }

  /** A name such as `localhost` has several addresses, of which Fastify uses one. That is enough where the others cannot be used. */
  async function listenElsewhere (): Promise<void> {
    const { address, port } = app.server.address() as AddressInfo
    for (const other of await lookup(config.HOST, { all: true })) {
      if (other.address === address) continue
      const server = guarded((request, response) => app.routing(request, response))
      await once(server.listen(port, other.address, backlog), 'listening').catch((error: unknown) => {
        app.log.debug({ err: error }, `not listening on ${other.address}`)
      })
    }
  }

  function listen (dialect: DialectName, port: number): Promise<void> {
    const { nativePath } = dialects[dialect]
    const redirect = (request: IncomingMessage, isUpgrade: boolean): void => {
      const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s)
      // Only preflights and health checks, which are answered alike everywhere.
      const isOptions = request.method === 'OPTIONS'
      const target = isOptions ? unrouted.notFound : safely(() => nativePath(path, isUpgrade, config)) ?? unrouted.notFound
      request.url = `${prefix}${target}${query === undefined ? '' : `?${query}`}`
    }
    const server = guarded((request, response) => {
      redirect(request, false)
      app.routing(request, response)
    }, (request) => redirect(request, true))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, config.HOST, backlog, () => {
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
  app.addHook('onListen', async () => {
    if (isService && isIP(config.HOST) === 0 && typeof app.server.address() === 'object') await listenElsewhere()
  })
  // The sockets have been closed with a code by now.
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
