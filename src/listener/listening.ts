import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { ConfigError, invalidValue } from '../config/config-error.js'
import type { Config, SettingName } from '../config/schema.js'
import { unixPathOf } from '../net/unix-path.js'

/** The addresses that `HOST` names, each once. */
export async function addressesOf ({ HOST }: Pick<Config, 'HOST'>): Promise<string[]> {
  if (isIP(HOST) !== 0) return [HOST]
  return [...new Set((await lookup(HOST, { all: true })).map(({ address }) => address))]
}

/**
 * An error of listening in words that name the setting. Its code stays.
 *
 * @param setting whose value is the port
 * @param port as that setting has it
 */
export function listenError (error: unknown, { HOST }: Pick<Config, 'HOST'>, setting: SettingName, port: string): Error {
  const { code = '' } = error as NodeJS.ErrnoException
  if (error instanceof ConfigError) return error
  const problem = problemOf(code, HOST, setting, port)
  return problem === undefined ? error as Error : Object.assign(new ConfigError(problem, { cause: error }), { code })
}

function problemOf (code: string, HOST: string, setting: SettingName, port: string): string | undefined {
  const host = JSON.stringify(HOST.slice(0, 128))
  if (unixPathOf(HOST) !== undefined) {
    return code === '' ? undefined : `HOST: ${invalidValue(host, `a path in a directory where this user may make a socket (${code})`)}`
  }
  if (code === 'EADDRINUSE') return `${setting}: ${port} is in use by another process`
  if (code === 'EACCES') return `${setting}: ${port} may not be used by this user`
  const isBadHost = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EINVAL', 'EAFNOSUPPORT'].includes(code) || code.startsWith('EAI_')
  return isBadHost ? `HOST: ${invalidValue(host, `an address of this machine, or a name that leads to one (${code})`)}` : undefined
}
