import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { amount, count, flag, list, oneOf, portPattern, secret, text } from './declare.js'

const proxyPattern = '(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(/\\d{1,3})?)'

/** Every setting: name, type, bounds, default and meaning. Flags, `--help`, `.env.example` and the README's table are made from this. */
export const ConfigSchema = Type.Object({
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'TCP port of the main listener. 0 picks a free one'
  }),

  HOST: Type.String({
    minLength: 1,
    default: '0.0.0.0',
    accepts: 'an address, a host name, or unix:/path',
    description: 'Address to listen on. `::` accepts IPv6 and IPv4; `unix:/path` is a Unix socket, without `PORT`, whose peers count as ' +
      '127.0.0.1'
  }),

  LOG_LEVEL: oneOf(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
    'Lowest level that is logged'
  ),

  LOG_FORMAT: Type.Optional(oneOf(
    ['pretty', 'json'],
    undefined,
    'Lines for people, or JSON. Absent: for people on a terminal, else JSON'
  )),

  // Which names there are is in `dialectSettings`.
  DIALECTS: Type.Optional(Type.Array(Type.String(), {
    uniqueItems: true,
    accepts: 'a comma-separated list of built-in dialects',
    hint: 'only built-in dialects are named here: PLUGINS loads others',
    description: 'Dialects that the server speaks'
  })),

  NATIVE_PORTS: list(
    'dialect:port',
    'Further listeners. On each, one dialect answers at the paths of its original server',
    {
      pattern: `^[^\\s:]+:${portPattern}$`,
      hint: 'only built-in dialects are named here: PLUGINS loads others, each at a path of its own'
    }
  ),

  PLUGINS: list(
    'paths or package names',
    'Further dialects, as modules that export a Fastify plugin'
  ),

  REDIS_URL: Type.Optional(Type.Array(Type.String({ pattern: '^(rediss?|rediss?-sentinel|redis\\+unix)://\\S+$' }), {
    minItems: 1,
    isUrls: true,
    writeOnly: true,
    accepts: 'redis://host:port or rediss://host:port, a comma-separated list of them, redis-sentinel://host:port,host:port/name, ' +
      'or redis+unix:///path',
    description: 'Redis or Valkey server that joins its nodes into one exchange; several URLs are the nodes of a Redis Cluster. ' +
      'Absent: one node, in memory'
  })),

  REDIS_CA: secret(
    'PEM text, or the path of a PEM file',
    'Authorities that the certificate of Redis is verified with (`rediss://`), in place of the well-known ones'
  ),

  NODE_LEASE_MS: amount(
    { minimum: 1_000, default: 10_000 },
    'Time without a sign of life, in ms, after which other nodes remove a node and its peers'
  ),

  MAX_CLIENTS: count(
    50_000,
    'Open connections on all listeners. Beyond it a WebSocket is closed with 1013, a request gets 503'
  ),

  MAX_CLIENTS_PER_ADDRESS: Type.Optional(Type.Integer({
    minimum: 1,
    description: 'Open connections of one IPv4 address or IPv6 /64 network. Absent: no limit but `MAX_CLIENTS`'
  })),

  MAX_ROOMS_PER_CLIENT: count(
    256,
    'Rooms, groups and ids that one socket may hold at a time. The built-in dialects use one each'
  ),

  MAX_EVENT_LOOP_DELAY: amount(
    { minimum: 10, default: 1_000 },
    'Mean delay of the event loop, in ms, beyond which new connections get 503'
  ),

  MAX_MEMORY: Type.Optional(Type.Integer({
    minimum: 1_048_576,
    description: 'Resident memory, in bytes, beyond which new connections get 503. Absent: 90 % of the heap that Node may use'
  })),

  MAX_PAYLOAD: amount(
    { minimum: 1_024, default: 1_048_576 },
    'Largest frame, in bytes. A larger one closes its socket with 1009'
  ),

  MAX_BUFFERED: amount(
    { minimum: 65_536, default: 1_048_576 },
    'Bytes that may wait for a client that reads slowly, shared among its senders. ' +
    'It is closed with 4100 when it reads nothing for 5 s'
  ),

  HEARTBEAT_INTERVAL: amount(
    { minimum: 1_000, default: 30_000 },
    'Time between pings, in ms. A socket that is silent for two of them is closed with 4101'
  ),

  ID_TAKEOVER: oneOf(
    ['replace', 'reject'],
    'replace',
    'Which connection keeps an id that is registered twice: the newer (`replace`) or the older (`reject`)'
  ),

  ID_PROBE_MS: amount(
    { minimum: 0, default: 2_000 },
    'Before a client is refused an id that another connection holds, that one is pinged. If it is silent for so many ms, it is ' +
    'closed with 4101 and the id is free. 0: it is not asked'
  ),

  RESUME_GRACE_MS: amount(
    { minimum: 0, default: 0 },
    'How long the place of a peer is kept whose connection breaks, in ms. Its client comes back to it without the others hearing of ' +
    'that, and gets what was sent to it meanwhile. Not in rooms, whose members have no id to come back with. 0: not kept'
  ),

  STRICT_IDENTITY: flag(
    true,
    'Refuse frames whose sender is not the id that the socket registered'
  ),

  ALLOW_DISCOVERY: flag(
    false,
    'Let anybody list the peers over REST'
  ),

  ALLOWED_ORIGINS: list(
    'origins',
    'Browser origins that may connect: exact, `https://*.example.com` for all subdomains, or `*` for all',
    { default: ['*'] }
  ),

  TRUST_PROXY: Type.String({
    pattern: `^(true|false|${proxyPattern}(\\s*,\\s*${proxyPattern})*)$`,
    default: 'false',
    accepts: 'true, false, a number of hops, or a comma-separated list of addresses, networks, loopback, linklocal and uniquelocal',
    description: 'Proxies whose `X-Forwarded-For` or `Forwarded` is trusted: none (`false`), all (`true`), as many as stand one behind ' +
      'the other, or those listed'
  }),

  PROXY_PROTOCOL: flag(
    false,
    'Connections from the addresses in `TRUST_PROXY` begin with a header of the PROXY protocol, version 1 or 2, which has the client’s ' +
    'address'
  ),

  BRIDGE: list(
    'pairs of dialects, such as peerjs-drone, or drone>peerjs for calls one way',
    'Dialects whose peers may call each other. Absent: peers of two dialects never meet',
    { pattern: '^[^\\s>]+[->][^\\s>]+$' }
  ),

  MESSAGE_RATE: count(
    200,
    'Frames a second from one socket, where each started 4 KiB of a frame counts as one. A faster socket is read more slowly'
  ),

  MESSAGE_BURST: count(
    1_000,
    'Frames that a socket may send at once before `MESSAGE_RATE` applies'
  ),

  JWT_SECRET: secret(
    'at least 32 bytes',
    'Secret that signs tokens (HS256). With it, `JWT_PUBLIC_KEY` or `JWKS_URL` every client needs a token'
  ),

  JWT_PUBLIC_KEY: secret(
    'PEM text, or the path of a PEM file',
    'Public key that verifies tokens: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)'
  ),

  JWKS_URL: secret(
    'an http or https URL without credentials',
    'URL of a JSON Web Key Set with the public keys. It is fetched when needed, and again when a token names an unknown key',
    '^https?://[^\\s@]+$'
  ),

  JWT_ISSUER: secret(
    'text',
    'Required `iss` of a token'
  ),

  JWT_AUDIENCE: secret(
    'text',
    'Required `aud` of a token, alone or in a list'
  ),

  TLS_CERT: text(
    'the path of a PEM file',
    'Certificate with its chain. All listeners then speak TLS. The files are reloaded when they change'
  ),

  TLS_KEY: text(
    'the path of a PEM file',
    'Private key of the certificate'
  ),

  TLS_CA: text(
    'the path of a PEM file',
    'Authorities whose client certificates are accepted'
  ),

  TLS_REQUIRE_CLIENT_CERT: flag(
    false,
    'Require a client certificate signed by `TLS_CA`. Its CN, or else its first SAN, is the client’s subject'
  ),

  TURN_URLS: list(
    'turn:host:port',
    'TURN servers for which `GET /ice-servers` issues credentials',
    { pattern: '^turns?:[^\\s,]+$' }
  ),

  TURN_SECRET: secret(
    'text',
    'Secret shared with the TURN servers (coturn: `static-auth-secret`)'
  ),

  TURN_TTL: amount(
    { minimum: 1, default: 86_400 },
    'Lifetime of a TURN credential, in s'
  ),

  STUN_URLS: list(
    'stun:host:port',
    'STUN servers that `GET /ice-servers` lists',
    { pattern: '^stuns?:[^\\s,]+$' }
  ),

  AUDIT_LOG: text(
    'the path of a file',
    'File for the audit trail. Absent: it goes to the log'
  ),

  WEB: flag(
    true,
    'Serve the pages for people: the landing page at `/`, and `/demo`, `/test`, `/console` and `/docs`'
  ),

  CONSOLE_PUBLIC: flag(
    false,
    'Without auth, let everybody use the console, and not only who is on this machine. With auth it takes the role `admin`'
  ),

  METRICS_TOKEN: secret(
    'text',
    'Bearer token for `GET /metrics`. Absent: open, or with a JWT key for tokens with the role `admin`'
  ),

  OTEL_ENABLED: flag(
    false,
    'Trace HTTP requests and handshakes with OpenTelemetry, configured by its own `OTEL_*` variables'
  ),

  CONNECT_RATE: count(
    300,
    'Handshakes a minute from one address, and as many REST requests. More get 429'
  ),

  DRAIN_MS: amount(
    { minimum: 0, default: 5_000 },
    'Time over which sockets are closed at shutdown, in ms'
  ),

  ROOM_TIMEOUT_MS: amount(
    { minimum: 1_000, default: 300_000 },
    'rooms: time without create, join or signal, in ms, after which a room expires'
  ),

  ROOM_EMPTY_TTL_MS: amount(
    { minimum: 500, default: 60_000 },
    'rooms: time that an empty room is kept, in ms'
  ),

  ROOM_ID_DIGITS: Type.Integer({
    minimum: 1,
    maximum: 9,
    default: 4,
    description: 'rooms: digits of a room id'
  }),

  ROOM_MAX_CLIENTS: count(
    50,
    'rooms: members of one room'
  ),

  SESSION_TIMEOUT_MS: amount(
    { minimum: 1_000, default: 3_600_000 },
    'drone: time without traffic, in ms, after which a session ends'
  ),

  DRONE_LIST_UPDATES: flag(
    true,
    'drone: send the others an updated list when a client leaves'
  ),

  PSYNC_PEER_TTL_MS: amount(
    { minimum: 1_000, default: 60_000 },
    'psync: time of silence, in ms, after which a peer is closed with 4101'
  ),

  PSYNC_PEER_LEFT: flag(
    false,
    'psync: notify the group when a peer leaves'
  ),

  PEERJS_KEY: list(
    'keys',
    'peerjs: API keys. Peers of different keys never meet',
    { pattern: '^[^\\s/?#,]+$', minItems: 1, default: ['peerjs'] }
  ),

  PEERJS_PATH: Type.String({
    pattern: '^[^\\s?#:*]+$',
    default: '/',
    accepts: 'a path, such as /myapp',
    description: 'peerjs: prefix of all its paths. `myapp`, `/myapp` and `/myapp/` are the same'
  }),

  PEERJS_EXPIRE_TIMEOUT: amount(
    { minimum: 500, default: 5_000 },
    'peerjs: time that a signal waits for an absent peer, in ms'
  ),

  PEERJS_ALIVE_TIMEOUT: amount(
    { minimum: 1_000, default: 90_000 },
    'peerjs: time without a frame, in ms, after which a peer is closed with 4101'
  ),

  PEERJS_CONCURRENT_LIMIT: count(
    5_000,
    'peerjs: peers of one key'
  ),

  PEERJS_ALLOW_DISCOVERY: Type.Optional(Type.Boolean({
    description: 'peerjs: let anybody list the peers. Absent: as in `ALLOW_DISCOVERY`'
  })),

  MAILBOX_MAX_MESSAGES: count(
    1_024,
    'Frames that wait for one absent peer. One sender may use a quarter'
  ),

  MAILBOX_MAX_BYTES: amount(
    { minimum: 1_024, default: 1_048_576 },
    'Bytes that wait for one absent peer. One sender may use a quarter'
  ),

  MAILBOX_TOTAL_BYTES: amount(
    { minimum: 1_024, default: 67_108_864 },
    'Bytes that wait for absent peers on one node, bookkeeping included. One sender may use an eighth'
  )
}, { additionalProperties: false })

/** All settings by name, checked and complete. Times are in ms, sizes in bytes, rates per second or per minute as described. */
export type Config = Static<typeof ConfigSchema>

export type SettingName = keyof Config & string

/** All names, in the order of the documentation. */
export const settingNames = Object.keys(ConfigSchema.properties) as SettingName[]

/** Settings by name: the server's, or those of plugins. */
export type Settings = Readonly<Record<string, TSchema>>

/** `PEERJS_KEY` is `--peerjs-key`. */
export function flagOf (name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`
}

/** The variable that names a file with a setting's value. */
export function fileSettingOf (name: string): string {
  return `${name}_FILE`
}
