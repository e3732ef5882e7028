import { decodeJwt } from 'jose'
import { redisServers } from '../../config/redis-urls.js'
import { ConfigSchema, type Config, type Settings } from '../../config/schema.js'
import { hiding } from '../../state/redis/reasons.js'

const settings: Settings = ConfigSchema.properties
/** What no message shows either, but what is public by nature: the checks leave these values out themselves. */
const harmless: readonly string[] = ['REDIS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'REDIS_CA']

/** A function that leaves the secrets of the settings and of these tokens out of a text, and what would control a terminal. */
export function cleaning (config: Config | undefined, tokens: readonly string[]): (text: string) => string {
  const given = Object.entries(config ?? {}).flatMap(([name, value]) =>
    settings[name]?.writeOnly === true && !harmless.includes(name) && typeof value === 'string' ? [value] : [])
  const { password, sentinelPassword } = config?.REDIS_URL === undefined ? {} : redisServers(config.REDIS_URL)
  const parts = [...given, password, sentinelPassword, ...(config?.REDIS_URL ?? []), ...tokens]
  const hide = hiding(parts.filter((part): part is string => part !== undefined && part !== ''))
  return (text) => hide(text).replace(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�')
}

/** The claims of a token that nobody has verified. Empty for what is no token. */
export function claimsIn (token: string): Readonly<Record<string, unknown>> {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}
