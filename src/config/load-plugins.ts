import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError } from './config-error.js'
import { shareOwnExports } from './own-exports.js'
import { checkSettings } from './plugin-settings.js'
import type { Settings } from './schema.js'

interface PluginModule {
  default?: unknown
  /** Prefix of its routes. By default none. */
  autoPrefix?: unknown
  /** Its settings, as a TypeBox object. By default none. */
  settings?: unknown
}

type AnyPlugin = (...args: never[]) => unknown

/** A third-party dialect. */
export interface LoadedPlugin<Plugin extends AnyPlugin = AnyPlugin> {
  /** As in `PLUGINS`. */
  readonly name: string
  readonly plugin: Plugin
  /** Where its paths begin. Empty for the root. */
  readonly prefix: string
  readonly settings: Settings
}

/**
 * Loads third-party dialects: modules whose default export is a Fastify plugin, optionally with an `autoPrefix` and `settings`. What they
 * import from `signalbox` is this package.
 *
 * @param names paths, relative to the working directory, or package names
 * @throws ConfigError with the module's name when it cannot be loaded, is no plugin, is listed twice, or has settings that cannot be read
 */
export async function loadPlugins<Plugin extends AnyPlugin> (names: readonly string[]): Promise<Array<LoadedPlugin<Plugin>>> {
  if (names.length > 0) shareOwnExports()
  const plugins: Array<LoadedPlugin<Plugin>> = []
  const specifiers = new Set<string>()
  for (const name of names) {
    const specifier = specifierOf(name)
    if (specifiers.has(specifier)) throw new ConfigError(`PLUGINS: "${name}" is listed twice`)
    specifiers.add(specifier)
    plugins.push(await load(name, specifier))
  }
  return plugins
}

/** The settings that plugins add to the server's. */
export function settingsOf (plugins: readonly LoadedPlugin[]): Settings {
  return Object.assign({}, ...plugins.map(({ settings }) => settings)) as Settings
}

function specifierOf (name: string): string {
  const isPath = /^\.{0,2}[/\\]|^[a-zA-Z]:[/\\]/.test(name)
  return isPath ? pathToFileURL(resolve(name)).href : name
}

async function load<Plugin extends AnyPlugin> (name: string, specifier: string): Promise<LoadedPlugin<Plugin>> {
  let module: PluginModule
  try {
    module = await import(specifier) as PluginModule
  } catch (error) {
    throw new ConfigError(`PLUGINS: cannot load "${name}": ${(error as Error).message}`, { cause: error })
  }
  const { default: plugin, autoPrefix = '', settings } = module
  if (typeof plugin !== 'function') throw new ConfigError(`PLUGINS: "${name}" must export a Fastify plugin as its default`)
  if (typeof autoPrefix !== 'string') throw new ConfigError(`PLUGINS: the autoPrefix of "${name}" must be text`)
  return { name, plugin: plugin as Plugin, prefix: autoPrefix, settings: checkSettings(name, settings) }
}
