import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'

interface PluginModule {
  default?: unknown
  /** Where its routes begin; by default at the root. */
  autoPrefix?: unknown
}

/**
 * Loads a dialect that is not ours: a module with a Fastify plugin as its default export, and optionally `autoPrefix`.
 *
 * @param name a path, from the working directory, or the name of a package
 * @throws Error that names the module, when it cannot be loaded or is no plugin
 */
export async function loadPlugin<Plugin extends (...args: never[]) => unknown> (name: string): Promise<{ plugin: Plugin, prefix: string }> {
  const isPath = /^\.{0,2}[/\\]|^[a-zA-Z]:[/\\]/.test(name)
  let module: PluginModule
  try {
    module = await import(isPath ? pathToFileURL(resolve(name)).href : name) as PluginModule
  } catch (error) {
    throw new Error(`PLUGINS: cannot load "${name}": ${(error as Error).message}`, { cause: error })
  }
  const { default: plugin, autoPrefix = '' } = module
  if (typeof plugin !== 'function' || typeof autoPrefix !== 'string') {
    throw new Error(`PLUGINS: "${name}" takes a Fastify plugin as its default export, and text as its autoPrefix`)
  }
  return { plugin: plugin as Plugin, prefix: autoPrefix }
}
