import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '../../../config/config-error.js'
import { loadPlugins, settingsOf } from '../../../config/load-plugins.js'
import { pluginsIn } from '../../../config/read.js'
import { warningsOf } from '../../../config/rules.js'
import { acceptedBy, defaultOf } from '../../../config/describe.js'
import { type Config, ConfigSchema, type Settings } from '../../../config/schema.js'
import { createService } from '../../../service.js'
import { readConfig } from '../../../settings.js'
import { type Check, failure, type Finding, ok, warning } from '../check.js'
import type { Host } from './host.js'

const group = 'Settings'
const known: Settings = ConfigSchema.properties

/** What everybody on the machine may do with a file. */
const othersMayRead = 0o004

const checks: ReadonlyArray<Check<Host>> = [
  {
    group,
    name: 'plugins',
    run: async ({ env, argv }) => {
      const names = pluginsIn(env, argv)
      await loadPlugins(names)
      return ok(names.length === 0 ? 'none' : `${names.join(', ')} can be loaded`)
    }
  },
  {
    group,
    name: 'settings',
    after: 'plugins',
    run: async (host) => {
      host.config = readConfig(host.env, host.argv, settingsOf(await loadPlugins(pluginsIn(host.env, host.argv))))
      return ok('valid')
    }
  },
  { group, name: 'secrets', after: 'settings', run: ({ settings }) => weakSecrets(settings) },
  { group, name: 'access', after: 'settings', run: ({ settings }) => whoMayConnect(settings) },
  { group, name: 'start', after: 'settings', run: async ({ settings }) => await startAlone(settings) },
  { group, name: 'files', after: 'settings', run: async ({ settings }) => await checkFiles(settings) }
]

export const settingChecks = checks.map((check): Check<Host> => {
  return { ...check, run: async (host) => await named(async () => await check.run(host)) }
})

/** A setting with a value that it cannot take is a finding. */
async function named (run: () => Promise<Finding | readonly Finding[]>): Promise<Finding | readonly Finding[]> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return failure(error.message, fixFor(error.message), 'docs/errors.md#at-the-start')
  }
}

/** The line of the settings that a message is about, with what it accepts. */
export function fixFor (message: string): string {
  const [name = ''] = message.split(':', 1)
  const schema = known[name]
  if (schema === undefined) return 'signalbox --help    # lists every setting and flag'
  const byDefault = defaultOf(schema)
  return `${name}=${byDefault === '' ? '…' : byDefault}    # ${acceptedBy(schema)}`
}

function weakSecrets (config: Config): Finding | Finding[] {
  const complaints = warningsOf(config)
  if (complaints.length === 0) return ok('none that is easily guessed')
  return complaints.map((says) => warning(says, `${says.split(' ', 1)[0]}=$(openssl rand -base64 32)`))
}

function whoMayConnect ({ JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL, TLS_REQUIRE_CLIENT_CERT, ALLOWED_ORIGINS }: Config): Finding {
  if ((JWT_SECRET ?? JWT_PUBLIC_KEY ?? JWKS_URL) !== undefined) return ok('clients need a token')
  if (TLS_REQUIRE_CLIENT_CERT) return ok('clients need a certificate')
  const origins = ALLOWED_ORIGINS.includes('*') ? ', from any web page' : ''
  return warning(`everybody may connect and take any id${origins}`,
    'JWT_SECRET=$(openssl rand -base64 32)    # and then: signalbox token --sub alice\nALLOWED_ORIGINS=https://your.site')
}

/** Starts the service in memory, without listening, and ends it: what has checks of its own is left out. */
async function startAlone (config: Config): Promise<Finding> {
  const { REDIS_URL, REDIS_CA, AUDIT_LOG, TLS_CERT, TLS_KEY, TLS_CA, ...rest } = config
  const alone = { ...rest, NATIVE_PORTS: [], TLS_REQUIRE_CLIENT_CERT: false, OTEL_ENABLED: false, LOG_LEVEL: 'silent' as const }
  const app = createService(alone)
  try {
    await app.ready()
    return ok(`it starts, with ${[...app.signalbox.dialects.keys()].join(', ')}`)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return failure(`it does not start: ${(error as Error).message}`, 'PLUGINS=    # without them it says whether one of them is the reason')
  } finally {
    await app.close()
  }
}

async function checkFiles ({ AUDIT_LOG, TLS_KEY }: Config): Promise<Finding | Finding[]> {
  const findings: Finding[] = []
  if (AUDIT_LOG !== undefined) findings.push(await checkAuditLog(AUDIT_LOG))
  if (TLS_KEY !== undefined && await mayOthersRead(TLS_KEY)) {
    findings.push(warning('everybody on this machine may read the file of TLS_KEY', `chmod o= ${TLS_KEY}`))
  }
  return findings.length === 0 ? ok('as they should be') : findings
}

async function checkAuditLog (path: string): Promise<Finding> {
  const folder = dirname(resolve(path))
  const code = await problemOf(path)
  // It is created where the folder allows it.
  const folderCode = code === 'ENOENT' ? await problemOf(folder) : code
  if (folderCode === undefined) return ok('AUDIT_LOG can be written')
  const fix = folderCode === 'ENOENT' ? `install -d -m 700 -o signalbox ${folder}` : `chown signalbox ${folder}`
  return failure(`AUDIT_LOG cannot be written: ${path} (${folderCode})`, `${fix}    # or the user that it runs as`)
}

async function problemOf (path: string): Promise<string | undefined> {
  return await access(path, constants.W_OK).then(() => undefined, ({ code }: NodeJS.ErrnoException) => code ?? 'EACCES')
}

async function mayOthersRead (path: string): Promise<boolean> {
  return await stat(path).then(({ mode }) => (mode & othersMayRead) !== 0, () => false)
}
