#!/usr/bin/env node
import { CommandError } from './commands/command.js'
import { commandIn, commands } from './commands/index.js'
import { helpText } from './config/help.js'
import { ConfigError } from './config/config-error.js'
import { loadPlugins, settingsOf } from './config/load-plugins.js'
import { pluginsIn } from './config/read.js'
import type { Config } from './config/schema.js'
import { furtherSettings, readConfig } from './settings.js'

await main(process.argv.slice(2))

async function main (argv: string[]): Promise<void> {
  let config: Config
  try {
    const command = commandIn(argv)
    if (command !== undefined) {
      process.exitCode = await command.run(argv.slice(1), process)
      return
    }
    const settings = settingsOf(await loadPlugins(pluginsIn(process.env, argv)))
    if (argv.includes('--help')) {
      process.stdout.write(helpText(furtherSettings(settings), Object.values(commands)))
      return
    }
    config = readConfig(process.env, argv, settings)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof CommandError)) throw error
    return fail(error)
  }
  try {
    // What a command, `--help` or a bad setting does without.
    const { start } = await import('./start.js')
    await start(config)
  } catch (error) {
    fail(error as Error)
  }
}

function fail (error: Error): never {
  process.stderr.write(`signalbox: ${error.message}\n`)
  process.exit(1)
}
