import { decodeJwt } from 'jose'
import { redisServers } from '../../config/redis-urls.js'
import { ConfigSchema, type Config, type Settings } from '../../config/schema.js'
import { hiding } from '../../state/redis/reasons.js'
import { printableLines } from '../printable.js'

const settings: Settings = ConfigSchema.properties
/** No secrets in themselves, and perhaps words of a sentence. No check prints them; of `REDIS_URL`, the parts count. */
const harmless: readonly string[] = ['REDIS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'REDIS_CA']

/** Characters of a finding. */
const maxLength = 1_000

/**
 * A function that leaves the secrets of the settings and of these tokens out of a text, and what would control a terminal. It
 * is cut at 1 000 characters.
 */
export function cleaning (config: Config | undefined, tokens: readonly string[]): (text: string) => string {
  const given = Object.entries(config ?? {}).flatMap(([name, value]) =>
    settings[name]?.writeOnly === true && !harmless.includes(name) && typeof value === 'string' ? [value] : [])
  const { password, sentinelPassword } = config?.REDIS_URL === undefined ? {} : redisServers(config.REDIS_URL)
  const parts = [...given, password, sentinelPassword, ...(config?.REDIS_URL ?? []), ...tokens]
  const hide = hiding(parts.filter((part): part is string => part !== undefined && part !== ''))
  return (text) => printableLines(shorten(hide(text)))
}

/** What a server answers may have any length. */
function shorten (text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
}

/** The claims of a token that nobody has verified. Empty for what is no token. */
export function claimsIn (token: string): Readonly<Record<string, unknown>> {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}
