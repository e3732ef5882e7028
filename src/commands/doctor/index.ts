import { manifest } from '../../config/manifest.js'
import { ConfigError } from '../../config/config-error.js'
import { CommandError, type Surroundings } from '../command.js'
import { takeOptions } from '../options.js'
import { type Check, exitCodeOf, type Result, runChecks, type Watcher } from './check.js'
import { deploymentChecks } from './deployment/index.js'
import { Deployment } from './deployment/deployment.js'
import { hostChecks } from './host/index.js'
import { Host } from './host/host.js'
import { summary, textReport } from './report.js'
import { cleaning } from './secrets.js'

const usage = `Usage: signalbox doctor [--json] [--setting value]...
       signalbox doctor URL [options] [--json] [--setting value]...

Without a URL it looks at this host as the settings would start it. With one, it is a client of the deployment there:
https://example.com/signal, with the prefix that the proxy takes away.

  --token TOKEN     a token for the deployment; with the role admin more can be seen. By default one is signed with JWT_SECRET
  --key FILE        sign tokens with this private key
  --origin ORIGIN   the origin of your pages; by default that of the URL
  --idle            also be silent for 70 s, as clients are, to see whether a proxy cuts them
  --json            print the findings as JSON

It exits with 0 where all is well, with 1 for warnings, with 2 for failures. It never prints secrets.
`

const options = { token: 'value', key: 'value', origin: 'value', idle: 'switch', json: 'switch', help: 'switch' } as const

/**
 * `signalbox doctor`: looks for what is wrong, and says how to mend it. Exits with 0, with 1 for warnings, with 2 for failures and for
 * arguments that make no sense.
 */
export async function doctor (argv: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await look(argv, surroundings)
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof ConfigError)) throw error
    process.stderr.write(`signalbox: ${error.message}\n`)
    return 2
  }
}

async function look (argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, stdout } = surroundings
  const { values, switches, positionals, settings } = takeOptions(argv, options)
  if (switches.has('help')) {
    stdout.write(usage)
    return 0
  }
  const [url, ...others] = positionals
  if (others.length > 0) throw new CommandError('doctor: one URL only (others are hidden, since they may be secrets)')
  if (url === undefined) {
    const host = new Host(env, settings)
    return await examine(hostChecks, host, surroundings, { cleaner: () => cleaning(host.config, []), isJson: switches.has('json') })
  }
  const deployment = new Deployment(url, { env, settings, values, isPatient: switches.has('idle') })
  return await examine(deploymentChecks, deployment, surroundings, {
    cleaner: () => cleaning(deployment.config, deployment.tokens),
    isJson: switches.has('json')
  })
}

async function examine<Subject extends { close: () => Promise<void> }> (
  checks: ReadonlyArray<Check<Subject>>,
  subject: Subject,
  { env, stdout }: Surroundings,
  { cleaner, isJson }: { cleaner: () => (text: string) => string, isJson: boolean }
): Promise<number> {
  // The secrets are known once the settings have been read.
  const clean = (text: string) => cleaner()(text)
  const hasColors = stdout.isTTY === true && env.NO_COLOR === undefined
  const silent: Watcher = { began () {}, ended () {} }
  let results: Result[]
  try {
    results = await runChecks(checks, subject, isJson ? silent : textReport(stdout, clean, hasColors))
  } finally {
    await subject.close()
  }
  const cleaned = results.map((result) => {
    return { ...result, says: clean(result.says), ...(result.fix !== undefined && { fix: clean(result.fix) }) }
  })
  const exitCode = exitCodeOf(results)
  stdout.write(isJson ? `${JSON.stringify({ version: manifest.version, exitCode, results: cleaned }, undefined, 2)}\n` : summary(results))
  return exitCode
}
