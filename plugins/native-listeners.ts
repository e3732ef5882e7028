import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import fp from 'fastify-plugin'
import { addressesOf, listenError } from '../src/listener/listening.js'
import type { NativePath } from '../src/listener/native-path.js'
import { unrouted } from '../src/listener/unrouted.js'
import { backlog, serverOptions, type Timeouts } from '../src/listener/timeouts.js'
import type { Tls } from '../src/listener/tls.js'

/** What a listener asks of its dialect's description. */
interface NativeDialect {
  readonly nativePath: NativePath
  readonly overHttp?: boolean
}

export interface ListenersOptions {
  dialects: ReadonlyMap<string, NativeDialect>
  prefix: string
  tls: Tls | undefined
  timeouts: Timeouts
  /** Whether the app's own server is guarded like ours. That of an app around us is shared: see shared-server.ts. */
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

  function guarded (answer: RequestListener, redirect?: (request: IncomingMessage) => void): Server {
    const [options, listener] = [serverOptions(timeouts), gate.within(answer)]
    const server: Server = tls === undefined ? createServer(options, listener) : tls.createServer(options, listener)
    server.on('clientError', gate.onClientError)
    gate.guard(server, redirect)
    servers.push(server)
    return server
  }

  /** Fastify listens on the first address that a name has. */
  async function listenElsewhere (): Promise<void> {
    const { address, port } = app.server.address() as AddressInfo
    const others = (await addressesOf(config)).filter((other) => other !== address)
    await listenOn(others, port, () => guarded((request, response) => app.routing(request, response))).catch((error: unknown) => {
      app.log.error(listenError(error, config, 'PORT', String(port)).message)
    })
  }

  /**
   * Listens on the same port of several addresses. Those that the machine does not have are left out: `localhost` may name IPv6 where
   * there is none.
   *
   * @returns the port, or undefined where no address could be used
   */
  async function listenOn (addresses: readonly string[], asked: number, make: () => Server): Promise<number | undefined> {
    let port: number | undefined
    for (const address of addresses) {
      const server = make()
      try {
        await once(server.listen(port ?? asked, address, backlog), 'listening')
        port = (server.address() as AddressInfo).port
      } catch (error) {
        const isMissing = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')
        if (!isMissing) throw error
        app.log.debug({ err: error }, `not listening on ${address}`)
      }
    }
    return port
  }

  async function listen (dialect: string, asked: number): Promise<void> {
    const { nativePath, overHttp = false } = dialects.get(dialect) as NativeDialect
    const redirect = (request: IncomingMessage, isUpgrade: boolean): void => {
      const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s)
      // Elsewhere those are preflights and health checks, which are answered alike everywhere.
      const isItsOwn = request.method !== 'OPTIONS' || overHttp
      const target = (isItsOwn ? safely(() => nativePath(path, isUpgrade, config)) : undefined) ?? unrouted.notFound
      request.url = `${prefix}${target}${query === undefined ? '' : `?${query}`}`
    }
    const make = () => guarded((request, response) => {
      redirect(request, false)
      app.routing(request, response)
    }, (request) => redirect(request, true))
    try {
      const port = await listenOn(await addressesOf(config), asked, make)
      if (port === undefined) throw Object.assign(new Error('no address'), { code: 'EADDRNOTAVAIL' })
      app.nativePorts.push(port)
      app.log.info(`${dialect} alone at ${config.HOST}:${port}`)
    } catch (error) {
      throw listenError(error, config, 'NATIVE_PORTS', `${dialect}:${asked}`)
    }
  }

  app.addHook('onReady', async () => {
    for (const entry of config.NATIVE_PORTS) {
      const [dialect = '', port] = entry.split(':')
      await listen(dialect, Number(port))
    }
    tls?.watch(timers, app.log)
  })
  app.addHook('onListen', async () => {
    if (isService && isIP(config.HOST) === 0 && typeof app.server.address() === 'object') await listenElsewhere()
  })
  // The sockets have been closed with a code by now.
  app.addHook('preClose', async () => {
    gate.stopAccepting()
    tls?.close()
  })
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
