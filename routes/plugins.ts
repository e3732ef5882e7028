import type { FastifyError, FastifyPluginAsync } from 'fastify'
import { ConfigError } from '../src/config/config-error.js'
import type { LoadedPlugin } from '../src/config/load-plugins.js'
import { settingPrefixOf } from '../src/config/plugin-settings.js'
import { TakenNameError } from '../src/dialect/dialect.js'
import { tagRoute } from './openapi.js'

interface ThirdPartyOptions {
  readonly plugins: ReadonlyArray<LoadedPlugin<FastifyPluginAsync>>
}

/**
 * The dialects of `PLUGINS`, whose routes are admitted like ours.
 *
 * @throws ConfigError for a plugin that wants a path or the name of a dialect which another has, and for a setting that is not named after
 * the plugin's dialect
 */
export const thirdParty: FastifyPluginAsync<ThirdPartyOptions> = async (app, { plugins }) => {
  const { dialects } = app.signalbox
  /** Which plugin has a path. */
  const owners = new Map<string, string>()
  let paths: string[] = []
  /** Of the plugin's routes; known once it has a dialect. */
  let tags: string[] = []
  app.addHook('onRoute', (route) => {
    app.admitRoute(route)
    tagRoute(route, tags)
    paths.push(route.url)
  })
  for (const { name, plugin, prefix, settings } of plugins) {
    paths = []
    tags = []
    const others = new Set(dialects.keys())
    try {
      await app.register(plugin, { prefix })
    } catch (error) {
      if (error instanceof TakenNameError) throw new ConfigError(`PLUGINS: "${name}": ${error.message}`, { cause: error })
      if ((error as FastifyError).code !== 'FST_ERR_DUPLICATED_ROUTE') throw error
      const path = paths.at(-1) ?? prefix
      const plugin = owners.get(path)
      const owner = plugin === undefined ? 'another route' : `"${plugin}"`
      const problem = `PLUGINS: "${name}" wants the path ${path}, which ${owner} has`
      throw new ConfigError(`${problem}. Its \`autoPrefix\` is where its paths begin`, { cause: error })
    }
    const own = [...dialects.keys()].filter((dialect) => !others.has(dialect))
    tags.push(own[0] ?? 'other')
    for (const path of paths) owners.set(path, name)
    const prefixes = own.map(settingPrefixOf)
    const stray = Object.keys(settings).find((setting) => !prefixes.some((prefix) => setting.startsWith(prefix)))
    if (stray !== undefined) {
      const expected = prefixes.join(' or ') || 'the name of a dialect, and there is none'
      throw new ConfigError(`PLUGINS: the setting ${stray} of "${name}" must begin with ${expected}`)
    }
  }
}
