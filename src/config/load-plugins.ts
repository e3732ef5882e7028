import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shareOwnExports } from './own-exports.js'

interface PluginModule {
  default?: unknown
  /** Prefix of its routes. By default none. */
  autoPrefix?: unknown
}

/**
 * Loads a third-party dialect: a module whose default export is a Fastify plugin, optionally with an `autoPrefix`. What it imports from
 * `signalbox` is this package.
 *
 * @param name a path, relative to the working directory, or a package name
 * @throws Error with the module's name when it cannot be loaded, or is no plugin
 */
export async function loadPlugin<Plugin extends (...args: never[]) => unknown> (name: string): Promise<{ plugin: Plugin, prefix: string }> {
  shareOwnExports()
  const isPath = /^\.{0,2}[/\\]|^[a-zA-Z]:[/\\]/.test(name)
  let module: PluginModule
  try {
    module = await import(isPath ? pathToFileURL(resolve(name)).href : name) as PluginModule
  } catch (error) {
    throw new Error(`PLUGINS: cannot load "${name}": ${(error as Error).message}`, { cause: error })
  }
  const { default: plugin, autoPrefix = '' } = module
  if (typeof plugin !== 'function') throw new Error(`PLUGINS: "${name}" must export a Fastify plugin as its default`)
  if (typeof autoPrefix !== 'string') throw new Error(`PLUGINS: the autoPrefix of "${name}" must be text`)
  return { plugin: plugin as Plugin, prefix: autoPrefix }
}
