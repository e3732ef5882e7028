import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import type { Config, DialectName } from '../src/config/schema.js'
import type { NativePath } from '../src/listener/native-path.js'
import type { Timers } from '../src/timing/timers.js'

/** A dialect that comes with the server: its routes, and where they are. */
export interface BuiltInDialect {
  readonly name: DialectName
  readonly plugin: FastifyPluginAsync
  readonly prefix: (config: Config) => string
  /** Where its sockets are accepted too, as by the original server. */
  readonly rootPath?: string
  readonly nativePath: NativePath
}

/** What the handlers of a dialect need of `app.signalbox`. */
export interface DialectContext {
  readonly config: Config
  readonly timers: Timers
  readonly connections: { readonly isDraining: boolean }
}

/** Originals with a single socket accept it at any path. */
export function nativePathBelow (prefix: string): NativePath {
  return (path, isUpgrade) => isUpgrade ? prefix : path === '/health' ? `${prefix}/health` : undefined
}

/** Puts a dialect's socket at a path, with and without a trailing slash. */
export async function mountSocket (app: FastifyInstance, path: string, route: Omit<RouteOptions, 'url'>): Promise<void> {
  // Fastify adds the slash only to the root of a plugin.
  await app.register(async (app) => { app.route({ url: '/', ...route }) }, { prefix: path })
}
