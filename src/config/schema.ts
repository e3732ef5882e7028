import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { normalizeOrigin } from '../net/origins.js'

/** The dialects that Signalbox brings along. */
export const dialectNames = ['peerjs', 'rooms', 'psync', 'drone', 'tom'] as const

export type DialectName = typeof dialectNames[number]

const count = (byDefault: number, description: string) => Type.Integer({ minimum: 1, default: byDefault, description })
const ms = (minimum: number, byDefault: number, description: string) => Type.Integer({ minimum, maximum: 2 ** 31 - 1, default: byDefault, description })
const bytes = (minimum: number, byDefault: number, description: string) => Type.Integer({ minimum, maximum: 2 ** 31 - 1, default: byDefault, description })
const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description })
/** Blank text is no value. */
const text = (description: string) => Type.Optional(Type.String({ pattern: '\\S', description }))

/** Every setting: name, type, bounds, default and meaning. Environment variables, flags, `--help`, `.env.example` and the README's table come from here. */
export const ConfigSchema = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 8080, description: 'TCP port of the main listener; 0 takes a free one' }),
  HOST: Type.String({ minLength: 1, default: '0.0.0.0', description: 'Address to listen on; `::` for IPv6 and IPv4' }),
  LOG_LEVEL: Type.Union(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)), { default: 'info', description: 'Least level that is logged' }),
  DIALECTS: Type.Array(Type.Union(dialectNames.map((name) => Type.Literal(name))), { uniqueItems: true, default: [...dialectNames], description: 'Dialects to speak' }),
  NATIVE_PORTS: Type.Array(Type.String({ pattern: `^(${dialectNames.join('|')}):(\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])$` }), { default: [], description: 'More listeners, each `dialect:port`, on which that dialect alone answers at its original server’s paths', examples: ['dialect:port'] }),
  PLUGINS: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Further dialects: paths or package names of Fastify plugins', examples: ['path or package'] }),
  REDIS_URL: Type.Optional(Type.Array(Type.String({ pattern: '^rediss?://[^\\s/?#]+([/?][^\\s#@]*)?$' }), { minItems: 1, description: 'Redis (or Valkey) that makes all its nodes one exchange; several URLs are the nodes of a Redis Cluster; absent: memory, one node', examples: ['redis://host:port'] })),
  NODE_LEASE_MS: ms(1000, 10_000, 'ms after which a node that Redis has not heard of counts as dead'),
  MAX_CLIENTS: count(50_000, 'Open connections of all listeners; past that a WebSocket is closed with 1013, and a request gets 503'),
  MAX_CLIENTS_PER_ADDRESS: Type.Optional(Type.Integer({ minimum: 1, description: 'The same for one address (of IPv6 one /64 network); absent: as many as `MAX_CLIENTS`' })),
  MAX_ROOMS_PER_CLIENT: count(256, 'Rooms, groups and ids that one socket may be in at a time; the dialects here take one each'),
  MAX_EVENT_LOOP_DELAY: ms(10, 1000, 'ms that the process is behind on average; past that new connections get 503'),
  MAX_MEMORY: Type.Optional(Type.Integer({ minimum: 1_048_576, description: 'Bytes of memory (RSS) past which new connections get 503; absent: nine tenths of the heap that Node may take' })),
  MAX_PAYLOAD: bytes(1024, 1_048_576, 'Bytes in a frame; a larger one closes its socket with 1009'),
  MAX_BUFFERED: bytes(65_536, 1_048_576, 'Bytes that may wait for a socket that reads slowly, of which each sender has a share; it is closed with 4100 when it reads nothing for 5 s'),
  HEARTBEAT_INTERVAL: ms(1000, 30_000, 'ms between pings; a socket silent for two of them is closed with 4101'),
  ID_TAKEOVER: Type.Union([Type.Literal('replace'), Type.Literal('reject')], { default: 'replace', description: 'Who keeps an id that registers twice: `replace` the newer connection, `reject` the older one' }),
  STRICT_IDENTITY: flag(true, 'Refuse frames that name another sender than the registered one'),
  ALLOW_DISCOVERY: flag(false, 'Let anybody list the peers over REST'),
  ALLOWED_ORIGINS: Type.Array(Type.String({ minLength: 1 }), { default: ['*'], description: 'Origins of browsers that are let in, exact or with `*` for the subdomains; `*` for all', examples: ['origin'] }),
  TRUST_PROXY: Type.String({ pattern: '^(true|false|[0-9a-fA-F:.]+(/\\d{1,3})?(\\s*,\\s*[0-9a-fA-F:.]+(/\\d{1,3})?)*)$', default: 'false', description: 'Whose `X-Forwarded-*` headers count: nobody’s (`false`), everybody’s (`true`), or those of a comma-separated list of addresses and networks' }),
  MESSAGE_RATE: count(200, 'Frames a second from one socket, each begun 4 KiB of one counted; past that it is read more slowly'),
  MESSAGE_BURST: count(1000, 'Frames one socket may send at once before `MESSAGE_RATE` holds'),
  JWT_SECRET: text('Secret that tokens are signed with (HS256), of 32 bytes or more; with this, `JWT_PUBLIC_KEY` or `JWKS_URL` every client needs a token'),
  JWT_PUBLIC_KEY: text('Public key of whoever signs tokens, as PEM or a file’s path: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)'),
  JWKS_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s@]+$', description: 'Where the public keys are found (a JSON Web Key Set); fetched when needed, and again when a token names a new key' })),
  JWT_ISSUER: text('What the `iss` of a token must be'),
  JWT_AUDIENCE: text('What the `aud` of a token must be, or hold'),
  TLS_CERT: text('File of the certificate (PEM, with its chain): all listeners speak TLS, and the file is read again when it changes'),
  TLS_KEY: text('File of the certificate’s private key (PEM)'),
  TLS_CA: text('File of the authorities (PEM) whose client certificates count'),
  TLS_REQUIRE_CLIENT_CERT: flag(false, 'Let in only clients with a certificate of `TLS_CA`, whose CN (or first SAN) is then their subject'),
  TURN_URLS: Type.Array(Type.String({ pattern: '^turns?:[^\\s,]+$' }), { default: [], description: 'TURN servers that `GET /ice-servers` gives credentials for', examples: ['turn:host:port'] }),
  TURN_SECRET: text('The secret shared with them (coturn: `static-auth-secret`)'),
  TURN_TTL: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, default: 86_400, description: 'Seconds that a TURN credential is good for' }),
  STUN_URLS: Type.Array(Type.String({ pattern: '^stuns?:[^\\s,]+$' }), { default: [], description: 'STUN servers that `GET /ice-servers` names', examples: ['stun:host:port'] }),
  AUDIT_LOG: text('File that the audit trail goes to; absent: the log'),
  METRICS_TOKEN: text('Bearer token that `GET /metrics` asks for; absent: open, or with a JWT key the role `admin`'),
  OTEL_ENABLED: flag(false, 'Trace HTTP requests and handshakes with OpenTelemetry, as the `OTEL_*` variables of its SDK say'),
  CONNECT_RATE: count(300, 'Handshakes a minute from one address, and as many requests; past that 429'),
  DRAIN_MS: ms(0, 5000, 'ms over which the sockets are closed at shutdown'),
  ROOM_TIMEOUT_MS: ms(1000, 300_000, 'rooms: ms without create, join or signal after which a room expires'),
  ROOM_EMPTY_TTL_MS: ms(500, 60_000, 'rooms: ms that a room stays without members'),
  ROOM_ID_DIGITS: Type.Integer({ minimum: 1, maximum: 9, default: 4, description: 'rooms: digits of a room id' }),
  ROOM_MAX_CLIENTS: count(50, 'rooms: members of a room'),
  SESSION_TIMEOUT_MS: ms(1000, 3_600_000, 'drone: ms without traffic after which a session ends'),
  DRONE_LIST_UPDATES: flag(true, 'drone: tell everybody who is left when a client leaves'),
  PSYNC_PEER_TTL_MS: ms(1000, 60_000, 'psync: ms of silence after which a peer is dropped with 4101'),
  PSYNC_PEER_LEFT: flag(false, 'psync: tell the group when a peer leaves'),
  PEERJS_KEY: Type.Array(Type.String({ pattern: '^[^\\s/?#,]+$' }), { minItems: 1, default: ['peerjs'], description: 'peerjs: API keys, each a world of its own', examples: ['key'] }),
  PEERJS_PATH: Type.String({ pattern: '^/[^\\s?#:*]*$', default: '/', description: 'peerjs: prefix of all its paths' }),
  PEERJS_EXPIRE_TIMEOUT: ms(500, 5000, 'peerjs: ms that a signal waits for an absent peer'),
  PEERJS_ALIVE_TIMEOUT: ms(1000, 90_000, 'peerjs: ms without a frame after which a peer is dropped with 4101'),
  PEERJS_CONCURRENT_LIMIT: count(5000, 'peerjs: peers of one key'),
  PEERJS_ALLOW_DISCOVERY: Type.Optional(Type.Boolean({ description: 'peerjs: let anybody list the peers; absent: as `ALLOW_DISCOVERY` says' })),
  MAILBOX_MAX_MESSAGES: count(1024, 'Frames that wait for one absent peer; a quarter of them one sender’s'),
  MAILBOX_MAX_BYTES: bytes(1024, 1_048_576, 'Bytes that wait for one absent peer; a quarter of them one sender’s'),
  MAILBOX_TOTAL_BYTES: bytes(1024, 67_108_864, 'Bytes that wait for absent peers on one node, with what keeping them takes; an eighth of them one sender’s')
}, { additionalProperties: false })

export type Config = Static<typeof ConfigSchema>

type Name = keyof Config & string

/** All names, in the order they are documented. */
export const configNames = Object.keys(ConfigSchema.properties) as Name[]

/** Settings whose value no message tells, not even in part: a private key in the wrong place is one, too, and URLs may hold a password. */
const secrets: readonly string[] = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'TURN_SECRET', 'METRICS_TOKEN', 'REDIS_URL']

/**
 * Settings that may not be present and blank. Without them a protection is off, and a variable that was forgotten must not turn it
 * off unnoticed. All others are as safe by default as with a value, or what is missing shows.
 */
const guards: readonly string[] = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'TLS_CERT', 'TLS_KEY', 'TLS_CA', 'TLS_REQUIRE_CLIENT_CERT',
  'TURN_SECRET', 'METRICS_TOKEN', 'ALLOWED_ORIGINS', 'MAX_CLIENTS_PER_ADDRESS'
] satisfies Name[]

/** @see https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const minSecretBytes = 32

const keys = ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL'] as const

/** A setting has a value it cannot take. The message is one line: the name, what it got, what it takes. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** `PEERJS_KEY` is `--peerjs-key`. */
export function flagOf (name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`
}

/** What a setting takes, in words. */
export function takes (name: Name): string {
  return describe(ConfigSchema.properties[name])
}

/** A default as it is written in the environment, `''` when there is none. */
export function defaultOf (name: Name): string {
  const { default: byDefault } = ConfigSchema.properties[name] as { default?: unknown }
  return Array.isArray(byDefault) ? byDefault.join(',') : String(byDefault ?? '')
}

function describe (schema: TSchema): string {
  if (schema.type === 'boolean') return 'true or false'
  if (schema.type === 'integer') return `an integer ${schema.maximum === undefined ? `from ${schema.minimum}` : `from ${schema.minimum} to ${schema.maximum}`}`
  if (schema.anyOf !== undefined) return `one of ${schema.anyOf.map(({ const: value }: { const: string }) => value).join(', ')}`
  if (schema.type !== 'array') return 'text'
  const [item = describe(schema.items)] = schema.examples as string[] | undefined ?? []
  return `a comma-separated list: ${item}`
}

/**
 * Settings from environment variables and flags; a flag wins. Blank counts as absent, unless that turns a protection off.
 *
 * @throws ConfigError for the first setting with a value it cannot take, and for a flag that does not exist
 */
export function readConfig (env: NodeJS.ProcessEnv, argv: readonly string[]): Config {
  const flags = readFlags(argv)
  const given: Partial<Record<Name, unknown>> = {}
  for (const name of configNames) {
    const written = flags[name] ?? env[name]
    const text = written?.trim()
    if (text === undefined || (text === '' && !guards.includes(name))) continue
    given[name] = text === '' ? text : fromText(ConfigSchema.properties[name], text)
  }
  return completeConfig(given as Partial<Config>, (name) => JSON.stringify(shorten(flags[name] ?? env[name] ?? '')))
}

/**
 * Fills in the defaults and checks.
 *
 * @throws ConfigError
 */
export function completeConfig (given: Partial<Config>, asWritten: (name: Name) => string = (name) => shorten(JSON.stringify(given[name]))): Config {
  const asGiven = (name: Name) => {
    const written = asWritten(name)
    // Where a path is taken, somebody may have given what the file holds.
    return secrets.includes(name) || written.includes('-----BEGIN') ? 'what is not told' : written
  }
  for (const name of Object.keys(given)) {
    const schema = ConfigSchema.properties[name as Name] as TSchema | undefined
    if (schema === undefined) throw new ConfigError(`${name}: no such setting`)
    if (isBlank(given[name as Name])) throw new ConfigError(`${name}: got nothing, takes ${takes(name as Name)}; leave it out to do without`)
    if (given[name as Name] === undefined || Value.Check(schema, given[name as Name])) continue
    throw new ConfigError(`${name}: got ${asGiven(name as Name)}, takes ${takes(name as Name)}${schema.type === 'string' ? ` (${schema.description})` : ''}`)
  }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const config = Value.Default(ConfigSchema, known) as Config
  for (const [name, fits, description] of rules) {
    if (!fits(config)) throw new ConfigError(`${name}: got ${asGiven(name)}, takes ${description}`)
  }
  return config
}

function isBlank (value: unknown): boolean {
  return typeof value === 'string' && value.trim() === ''
}

const otherDialects = dialectNames.filter((name) => name !== 'peerjs').join(', ')

/** What the schema of one setting cannot say. */
const rules: ReadonlyArray<readonly [name: Name, fits: (config: Config) => boolean, takes: string]> = [
  ['NATIVE_PORTS', ({ NATIVE_PORTS, DIALECTS }) => NATIVE_PORTS.every((entry) => DIALECTS.some((name) => entry.startsWith(`${name}:`))), 'dialects that DIALECTS names'],
  ['TRUST_PROXY', ({ TRUST_PROXY }) => isTrustable(TRUST_PROXY), `text (${ConfigSchema.properties.TRUST_PROXY.description})`],
  ['ALLOWED_ORIGINS', ({ ALLOWED_ORIGINS }) => ALLOWED_ORIGINS.every((entry) => normalizeOrigin(entry) !== undefined), 'a comma-separated list: origin, such as https://example.com or https://*.example.com'],
  ...keys.map((name) => [name, (config: Config) => config[name] === undefined || keys.every((other) => other === name || config[other] === undefined), `it only without ${keys.filter((other) => other !== name).join(' and ')}`] as const),
  ['JWT_SECRET', ({ JWT_SECRET }) => JWT_SECRET === undefined || Buffer.byteLength(JWT_SECRET) >= minSecretBytes, `${minSecretBytes} bytes or more, such as \`openssl rand -base64 ${minSecretBytes}\` makes`],
  ['JWKS_URL', ({ JWKS_URL }) => JWKS_URL === undefined || URL.canParse(JWKS_URL), `text (${ConfigSchema.properties.JWKS_URL.description})`],
  ...(['JWT_ISSUER', 'JWT_AUDIENCE'] as const).map((name) => [name, (config: Config) => config[name] === undefined || keys.some((key) => config[key] !== undefined), `it only with ${keys.join(', ')}: without a key no token is checked`] as const),
  ...(['TLS_CERT', 'TLS_KEY', 'TLS_CA'] as const).map((name) => [name, (config: Config) => config[name]?.includes('-----BEGIN') !== true, 'the path of a file, and not what it holds'] as const),
  ['TLS_CERT', ({ TLS_CERT, TLS_KEY }) => TLS_CERT === undefined || TLS_KEY !== undefined, 'it only with TLS_KEY'],
  ['TLS_KEY', ({ TLS_CERT, TLS_KEY }) => TLS_KEY === undefined || TLS_CERT !== undefined, 'it only with TLS_CERT'],
  ['TLS_CA', ({ TLS_CERT, TLS_CA }) => TLS_CA === undefined || TLS_CERT !== undefined, 'it only with TLS_CERT'],
  ['TLS_REQUIRE_CLIENT_CERT', ({ TLS_CA, TLS_REQUIRE_CLIENT_CERT }) => !TLS_REQUIRE_CLIENT_CERT || TLS_CA !== undefined, 'true only with TLS_CA'],
  ['TURN_URLS', ({ TURN_URLS, TURN_SECRET }) => TURN_URLS.length === 0 || TURN_SECRET !== undefined, 'them only with TURN_SECRET'],
  ['TURN_SECRET', ({ TURN_URLS, TURN_SECRET }) => TURN_SECRET === undefined || TURN_URLS.length > 0, 'it only with TURN_URLS'],
  ['PEERJS_PATH', ({ PEERJS_PATH }) => !isOfAnother(PEERJS_PATH.split('/')[1]), `a path that does not begin with ${otherDialects}`],
  ['PEERJS_KEY', ({ PEERJS_KEY, PEERJS_PATH }) => PEERJS_PATH !== '/' || !PEERJS_KEY.some(isOfAnother), `keys other than ${otherDialects}, whose REST paths they would share`]
]

/** Whether the paths that begin so are another dialect's. */
function isOfAnother (segment: string | undefined): boolean {
  return segment !== 'peerjs' && (dialectNames as readonly (string | undefined)[]).includes(segment)
}

/** What has the look of addresses and networks may still be none. */
function isTrustable (setting: string): boolean {
  return setting === 'true' || setting === 'false' || setting.split(/\s*,\s*/).every((entry) => {
    const [address = '', bits = '1'] = entry.split('/')
    return isIP(address) !== 0 && Number(bits) >= 1 && Number(bits) <= (isIP(address) === 4 ? 32 : 128)
  })
}

/** Input as an error may tell it: short, and without the password of a URL. */
function shorten (text: string): string {
  const told = text.replace(/:\/\/[^/@]*@/g, '://***@')
  return told.length > 128 ? `${told.slice(0, 128)}…` : told
}

function fromText (schema: TSchema, text: string): unknown {
  if (schema.type === 'integer') return /^\d+$/.test(text) ? Number(text) : text
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (schema.type === 'array') return text.split(',').map((item) => item.trim()).filter((item) => item !== '')
  return text
}

/** Longer than any message that tells the name of a flag. */
const maxFlagLength = 64

function readFlags (argv: readonly string[]): Partial<Record<Name, string>> {
  const names = new Map(configNames.map((name) => [flagOf(name).slice(2), name]))
  const args = argv.map((arg, at) => {
    const name = names.get(arg.slice(2))
    const isBare = name !== undefined && ConfigSchema.properties[name].type === 'boolean' && (argv[at + 1] ?? '--').startsWith('-')
    return isBare ? `${arg}=true` : arg
  })
  try {
    const options = Object.fromEntries([...names.keys()].map((flag) => [flag, { type: 'string' as const }]))
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false })
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [names.get(flag), value]))
  } catch (error) {
    throw new ConfigError(`${describeFlagError(error as Error & { code?: string })}; --help lists the flags`)
  }
}

/** What is no flag may be the value of one, and a secret: only names are told. */
function describeFlagError ({ code, message }: Error & { code?: string }): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'An argument is no flag (it is not told, since it may be a secret)'
  const [sentence = ''] = message.split(/\.\s/)
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return sentence
  return /^Unknown option '--?[a-z][a-z-]*'$/.test(sentence) && sentence.length < maxFlagLength ? sentence : 'Unknown option (it is not told, since it may be a secret)'
}
