import { normalizeOrigin } from '../net/origins.js'
import { isTrustable, namesProxies, trustedProxies } from '../net/trusted-proxies.js'
import { isHost, unixHostExpected, unixPathOf, unixPeer } from '../net/unix-path.js'
import { invalidValue } from './config-error.js'
import { redisServers, redisUrlsExpected } from './redis-urls.js'
import { acceptedBy } from './describe.js'
import { type Config, ConfigSchema, type SettingName } from './schema.js'

/** @see https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const minSecretBytes = 32

/** The command that makes a secret nobody guesses. */
const makeSecret = `\`openssl rand -base64 ${minSecretBytes}\``

const keys = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL'] as const

/** A rule that the schema of one setting cannot express. */
interface Rule {
  readonly name: SettingName
  readonly fits: (config: Config) => boolean
  /** What is wrong with the setting, given its value as a message may show it. */
  readonly problem: (value: string, config: Config) => string
}

const expected = (name: SettingName, fits: Rule['fits'], accepts: string): Rule =>
  ({ name, fits, problem: (value) => invalidValue(value, accepts) })

const needs = (name: SettingName, others: readonly SettingName[], reason = ''): Rule => ({
  name,
  fits: (config) => !isSet(config, name) || others.some((other) => isSet(config, other)),
  problem: () => `requires ${inWords(others)}${reason}`
})

const excludes = (name: SettingName, others: readonly SettingName[]): Rule => ({
  name,
  fits: (config) => !isSet(config, name) || !others.some((other) => isSet(config, other)),
  problem: () => `cannot be combined with ${inWords(others)}`
})

/** Checked in this order. The first one that does not hold is reported. */
const rules: readonly Rule[] = [
  expected('HOST', ({ HOST }) => isHost(HOST), unixHostExpected),
  expected('NATIVE_PORTS', hasDialects, 'dialects that are in DIALECTS'),
  {
    name: 'NATIVE_PORTS',
    fits: ({ HOST, NATIVE_PORTS }) => NATIVE_PORTS.length === 0 || unixPathOf(HOST) === undefined,
    problem: () => 'requires a HOST with an address, since a Unix socket has no ports'
  },
  {
    name: 'REDIS_URL',
    fits: ({ REDIS_URL }) => REDIS_URL === undefined || redisUrlsExpected(REDIS_URL) === undefined,
    problem: (value, { REDIS_URL = [] }) => invalidValue(value, redisUrlsExpected(REDIS_URL) ?? '')
  },
  {
    name: 'REDIS_CA',
    fits: ({ REDIS_CA, REDIS_URL }) => REDIS_CA === undefined || (REDIS_URL !== undefined && redisServers(REDIS_URL).isTls),
    problem: () => 'requires a REDIS_URL of rediss:// or rediss-sentinel://'
  },
  expected('TRUST_PROXY', ({ TRUST_PROXY }) => isTrustable(TRUST_PROXY), acceptedBy(ConfigSchema.properties.TRUST_PROXY)),
  {
    name: 'PROXY_PROTOCOL',
    fits: ({ PROXY_PROTOCOL, TRUST_PROXY }) => !PROXY_PROTOCOL || namesProxies(TRUST_PROXY),
    problem: () => 'requires a TRUST_PROXY with the addresses or networks of the balancer, such as 10.0.0.0/8 or loopback'
  },
  expected('ALLOWED_ORIGINS', ({ ALLOWED_ORIGINS }) => ALLOWED_ORIGINS.every((entry) => normalizeOrigin(entry) !== undefined),
    'a comma-separated list of origins, such as https://example.com or https://*.example.com'),
  {
    name: 'PEERJS_KEY',
    fits: ({ PEERJS_KEY, BRIDGE }) => BRIDGE.length === 0 || !PEERJS_KEY.includes('bridge'),
    problem: (value) => invalidValue(value, 'keys other than bridge, since BRIDGE is set')
  },
  ...keys.map((name) => excludes(name, keys.filter((other) => other !== name))),
  expected('JWT_SECRET', ({ JWT_SECRET }) => JWT_SECRET === undefined || Buffer.byteLength(JWT_SECRET) >= minSecretBytes,
    `at least ${minSecretBytes} bytes, such as ${makeSecret} prints`),
  expected('JWKS_URL', ({ JWKS_URL }) => JWKS_URL === undefined || URL.canParse(JWKS_URL), acceptedBy(ConfigSchema.properties.JWKS_URL)),
  needs('JWT_ISSUER', keys, ', since no token is checked without a key'),
  needs('JWT_AUDIENCE', keys, ', since no token is checked without a key'),
  ...(['TLS_CERT', 'TLS_KEY', 'TLS_CA'] as const).map((name) =>
    expected(name, (config) => config[name]?.includes('-----BEGIN') !== true, 'the path of a file, not its content')),
  needs('TLS_CERT', ['TLS_KEY']),
  needs('TLS_KEY', ['TLS_CERT']),
  needs('TLS_CA', ['TLS_CERT']),
  needs('TLS_REQUIRE_CLIENT_CERT', ['TLS_CA']),
  needs('TURN_URLS', ['TURN_SECRET']),
  needs('TURN_SECRET', ['TURN_URLS'])
]

/** The rules for a server with these dialects on by default. Their names are taken even while they are off; those of others are not. */
export function rulesWith (dialects: readonly string[]): readonly Rule[] {
  const others = ({ DIALECTS = [] }: Config): string[] => [...new Set([...dialects, ...DIALECTS])].filter((name) => name !== 'peerjs')
  return [
    ...rules,
    {
      name: 'PEERJS_PATH',
      fits: (config) => !others(config).includes(config.PEERJS_PATH.split('/')[1] ?? ''),
      problem: (value, config) => invalidValue(value, `a path that does not begin with ${others(config).join(', ')}`)
    },
    {
      name: 'PEERJS_KEY',
      fits: (config) => config.PEERJS_PATH !== '/' || !config.PEERJS_KEY.some((key) => others(config).includes(key)),
      problem: (value, config) =>
        invalidValue(value, `keys other than ${others(config).join(', ')}, whose REST paths they would take`)
    }
  ]
}

/** What is accepted, and probably not what is wanted: a sentence each, without any value. */
export function warningsOf (config: Config): string[] {
  const weak = (['TURN_SECRET', 'METRICS_TOKEN'] as const)
    .filter((name) => config[name] !== undefined && Buffer.byteLength(config[name]) < minSecretBytes)
    .map((name) => `${name} has fewer than ${minSecretBytes} bytes and may be guessed: ${makeSecret} prints a better one`)
  if (unixPathOf(config.HOST) === undefined || trustedProxies(config.TRUST_PROXY)(unixPeer)) return weak
  return [...weak, 'all clients on the Unix socket of HOST count as one address, and share its limits: with TRUST_PROXY=loopback they ' +
    'are told apart by the X-Forwarded-For of the proxy there']
}

/** Whether a setting is on: present, not `false`, and no empty list. */
function isSet (config: Config, name: SettingName): boolean {
  const value = config[name]
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
}

function inWords (names: readonly string[]): string {
  return names.join(', ').replace(/, ([^,]*)$/, ' or $1')
}

function hasDialects ({ NATIVE_PORTS, DIALECTS }: Config): boolean {
  return DIALECTS === undefined || NATIVE_PORTS.every((entry) => DIALECTS.some((name) => entry.startsWith(`${name}:`)))
}
