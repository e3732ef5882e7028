import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../src/config/schema.js'
import type { BridgeEntrance } from '../src/dialect/bridging.js'
import type { JsonObject } from '../src/frame/parse.js'
import type { NativePath } from '../src/listener/native-path.js'
import type { Timers } from '../src/timing/timers.js'

/** All that the server needs to know of a dialect to mount it. */
export interface DialectDescription {
  /** As in `DIALECTS`. */
  readonly name: string
  /** As people call it. */
  readonly title: string
  /** Its routes, relative to where it is mounted. */
  readonly plugin: FastifyPluginAsync
  /** Whether the server speaks it only where `DIALECTS` names it, or is `all`. */
  readonly isOptional?: boolean
  readonly prefix: (config: Config) => string
  /** A path of the main listener, outside the prefix, where its sockets are accepted too, as by the original server. */
  readonly rootPath?: string
  /** The paths of the original server, on a listener of `NATIVE_PORTS`. */
  readonly nativePath: NativePath
  /** Whether its clients have no sockets, but ask over HTTP. Its routes then answer `OPTIONS` themselves. */
  readonly overHttp?: boolean
  /** The first frames by which its clients are recognised at the bare root. Absent: they connect to its own path. */
  readonly firstFrames?: readonly FirstFrame[]
  /** What follows `ws://host:port`, or `http://host:port`, in the URL of one of its clients. */
  readonly sampleUrl: (config: Config) => string
  /** How its peers meet, in a sentence. */
  readonly summary: string
  /**
   * The code that connects one of its clients, where that is not a plain WebSocket. `{hostname}`, `{port}`, `{path}` and `{secure}`
   * stand for the parts of what precedes `sampleUrl`, such as `wss://example.com/signal`.
   */
  readonly sampleClient?: (config: Config) => string
}

/** A dialect that is off unless `DIALECTS` names it. */
export interface OptionalDialect extends DialectDescription {
  readonly isOptional: true
}

/** A kind of first frame. Of all kinds that fit, that with the lowest `rank` decides. */
export interface FirstFrame {
  readonly rank: number
  readonly fits: (frame: JsonObject) => boolean
}

/** What the handlers of a dialect need of `app.signalbox`. */
export interface DialectContext {
  readonly config: Config
  readonly timers: Timers
  readonly connections: { readonly isDraining: boolean }
  /** Calls between dialects. Absent without `BRIDGE`. */
  readonly bridge?: { readonly of: (dialect: string) => BridgeEntrance | undefined } | undefined
}

/** Originals with a single socket accept it at any path. */
export function nativePathBelow (prefix: string): NativePath {
  return (path, isUpgrade) => isUpgrade ? prefix : path === '/health' ? `${prefix}/health` : undefined
}

/** Fastify adds a trailing slash only to the root of a plugin. */
const rootRoute = fp<{ readonly route: Omit<RouteOptions, 'url'> }>(async (app, { route }) => {
  app.route({ url: '/', ...route })
}, { name: 'root-route', encapsulate: true })

/** Puts a route at a path, with and without a trailing slash. */
export async function mountRoute (app: FastifyInstance, path: string, route: Omit<RouteOptions, 'url'>): Promise<void> {
  await app.register(rootRoute, { prefix: path, route })
}
