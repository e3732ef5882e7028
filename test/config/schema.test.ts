import t, { type Test } from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { dialectSettings } from '../../src/config/dialect-settings.js'
import * as reading from '../../src/config/read.js'
import * as builtIn from '../../src/dialects.js'
import { furtherSettings, readConfig } from '../../src/settings.js'
import { type Config, settingNames, flagOf } from '../../src/config/schema.js'

const dialects = `all, or a comma-separated list of ${Object.keys(builtIn).join(', ')}`
const proxies = 'true, false, a number of hops, or a comma-separated list of addresses, networks, loopback, linklocal and uniquelocal'

const completeConfig = (given: reading.GivenConfig) => reading.completeConfig(given, furtherSettings())
const fromEnv = (env: Record<string, string>) => readConfig(env, [])
const fromFlags = (...argv: string[]) => readConfig({}, argv)

/** The message with which a start is refused: always one line of bounded length. */
function refused (t: Test, read: () => Config): string {
  try {
    read()
  } catch (error) {
    t.ok(error instanceof ConfigError, `refused as a setting: ${String(error)}`)
    const { message } = error as ConfigError
    // eslint-disable-next-line no-control-regex -- what a terminal or a log would break the line at
    t.notMatch(message, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/, 'one line')
    t.ok(message.length < 600, 'a short one')
    return message
  }
  t.fail('was not refused')
  return ''
}

t.test('without anything set, everything has its default', async (t) => {
  t.same(fromEnv({}), {
    PORT: 8080,
    HOST: '0.0.0.0',
    LOG_LEVEL: 'info',
    DIALECTS: ['drone', 'peerjs', 'psync', 'rooms', 'tom'],
    NATIVE_PORTS: [],
    PLUGINS: [],
    NODE_LEASE_MS: 10_000,
    MAX_CLIENTS: 50_000,
    MAX_ROOMS_PER_CLIENT: 256,
    MAX_EVENT_LOOP_DELAY: 1000,
    MAX_PAYLOAD: 1_048_576,
    MAX_BUFFERED: 1_048_576,
    HEARTBEAT_INTERVAL: 30_000,
    ID_PROBE_MS: 2_000,
    RESUME_GRACE_MS: 0,
    ID_TAKEOVER: 'replace',
    STRICT_IDENTITY: true,
    ALLOW_DISCOVERY: false,
    ALLOWED_ORIGINS: ['*'],
    TRUST_PROXY: 'false',
    PROXY_PROTOCOL: false,
    BRIDGE: [],
    MESSAGE_RATE: 200,
    MESSAGE_BURST: 1000,
    TLS_REQUIRE_CLIENT_CERT: false,
    TURN_URLS: [],
    TURN_TTL: 86_400,
    STUN_URLS: [],
    OTEL_ENABLED: false,
    WEB: true,
    CONSOLE_PUBLIC: false,
    CONNECT_RATE: 300,
    DRAIN_MS: 5000,
    ROOM_TIMEOUT_MS: 300_000,
    ROOM_EMPTY_TTL_MS: 60_000,
    ROOM_ID_DIGITS: 4,
    ROOM_MAX_CLIENTS: 50,
    SESSION_TIMEOUT_MS: 3_600_000,
    DRONE_LIST_UPDATES: true,
    PSYNC_PEER_TTL_MS: 60_000,
    PSYNC_PEER_LEFT: false,
    PEERJS_KEY: ['peerjs'],
    PEERJS_PATH: '/',
    PEERJS_EXPIRE_TIMEOUT: 5000,
    PEERJS_ALIVE_TIMEOUT: 90_000,
    PEERJS_CONCURRENT_LIMIT: 5000,
    MAILBOX_MAX_MESSAGES: 1024,
    MAILBOX_MAX_BYTES: 1_048_576,
    MAILBOX_TOTAL_BYTES: 67_108_864
  })
})

t.test('every setting is also a flag, and the flag wins', async (t) => {
  t.equal(fromFlags('--max-clients', '7').MAX_CLIENTS, 7)
  t.equal(fromFlags('--max-clients=7').MAX_CLIENTS, 7)
  t.equal(readConfig({ MAX_CLIENTS: '5' }, ['--max-clients', '7']).MAX_CLIENTS, 7)
  t.equal(readConfig({ MAX_CLIENTS: '5' }, []).MAX_CLIENTS, 5)
  t.equal(readConfig({ MAX_CLIENTS: 'bad' }, ['--max-clients', '7']).MAX_CLIENTS, 7)
  t.equal(fromFlags('--max-clients', '7', '--max-clients', '8').MAX_CLIENTS, 8, 'the last one counts')
  for (const name of settingNames) t.match(flagOf(name), /^--[a-z]+(-[a-z]+)*$/)
})

t.test('a flag without a value is true where true is a value', async (t) => {
  const flags = ['--allow-discovery', '--psync-peer-left', '--port', '0', '--peerjs-allow-discovery']
  t.match(fromFlags(...flags), { ALLOW_DISCOVERY: true, PSYNC_PEER_LEFT: true, PORT: 0, PEERJS_ALLOW_DISCOVERY: true })
  t.match(fromFlags('--strict-identity', 'false', '--allow-discovery', 'true'), { STRICT_IDENTITY: false, ALLOW_DISCOVERY: true })
  t.match(fromFlags('--strict-identity=false', '--drone-list-updates=false'), { STRICT_IDENTITY: false, DRONE_LIST_UPDATES: false })
})

/** Without them a protection is off. */
const guards = [
  'JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'TLS_CERT', 'TLS_KEY', 'TLS_CA', 'TLS_REQUIRE_CLIENT_CERT',
  'TURN_SECRET', 'METRICS_TOKEN', 'ALLOWED_ORIGINS', 'MAX_CLIENTS_PER_ADDRESS'
]
/** Long enough to sign with. */
const secret = 'x'.repeat(32)

t.test('empty means absent, where that turns no protection off', async (t) => {
  const env = Object.fromEntries(settingNames.filter((name) => !guards.includes(name)).map((name) => [name, '']))
  t.same(fromEnv(env), fromEnv({}))
  t.same(fromEnv({ PORT: '  ', HOST: ' ' }), fromEnv({}), 'as do spaces')
})

t.test('a protection that is present and blank stops the start', async (t) => {
  for (const name of guards) {
    for (const blank of ['', ' ', ' \t\n ']) {
      const expected = new RegExp(`^${name}: empty value, expected .*; leave it out to do without it$`)
      t.match(refused(t, () => fromEnv({ [name]: blank })), expected)
      t.match(refused(t, () => fromFlags(`${flagOf(name)}=${blank}`)), `${name}: empty value`, 'as a flag')
      t.match(refused(t, () => completeConfig({ [name]: blank })), `${name}: empty value`, 'in an app that embeds it')
    }
  }
  t.match(
    refused(t, () => readConfig({ METRICS_TOKEN: 'token' }, ['--metrics-token', ''])),
    /^METRICS_TOKEN: empty value/,
    'a blank flag wins over a variable'
  )
  t.equal(readConfig({ METRICS_TOKEN: '' }, ['--metrics-token', 'token']).METRICS_TOKEN, 'token', 'and a flag over a blank variable')
})

t.test('a secret that can be guessed stops the start with the command that makes a good one', async (t) => {
  for (const short of ['s', 'hunter2', 'x'.repeat(31), `${'x'.repeat(31)} `]) {
    t.equal(
      refused(t, () => fromEnv({ JWT_SECRET: short })),
      'JWT_SECRET: invalid value (hidden), expected at least 32 bytes, such as `openssl rand -base64 32` prints'
    )
  }
  t.equal(fromEnv({ JWT_SECRET: 'é'.repeat(16) }).JWT_SECRET, 'é'.repeat(16), 'bytes count, not characters')
})

t.test('no message tells a secret, whatever is wrong with it', async (t) => {
  const part = 'hunter2'
  const wrong: Array<Record<string, string>> = [
    { REDIS_URL: `http://:${part}@redis.test` },
    { REDIS_URL: `redis://:a/${part}@redis.test` },
    { REDIS_URL: `redis://:a#${part}@redis.test` },
    { REDIS_URL: `redis://:a?${part}@redis.test` },
    { REDIS_URL: `redis://a ${part}` },
    { REDIS_URL: `redis://a,${part}` },
    { REDIS_URL: part },
    { JWKS_URL: `https://keys.test/ ${part}` },
    { JWKS_URL: `https://[${part}/` },
    { JWKS_URL: `https://user:${part}@keys.test` },
    { JWKS_URL: part },
    { JWKS_URL: `https://keys.test/?key=${part}`, JWT_SECRET: secret },
    { JWT_SECRET: part },
    { JWT_SECRET: `${part} ${secret}`, JWT_PUBLIC_KEY: part },
    { TURN_SECRET: part }
  ]
  for (const env of wrong) {
    t.notMatch(refused(t, () => fromEnv(env)), part)
    t.notMatch(refused(t, () => fromFlags(...Object.entries(env).map(([name, value]) => `${flagOf(name)}=${value}`))), part, 'as flags')
  }
  for (const argv of [
    ['--jwt-secret=', part],
    ['--jwt-secret=', secret, part],
    [`--jwt-secert=${part}`],
    ['--jwt-secert', part],
    ['--jwt-secret', `--${part}`],
    ['--turn-secret=', `--${part}=1`],
    [`--${part}--`]
  ]) t.notMatch(refused(t, () => fromFlags(...argv)), part)
  t.notMatch(refused(t, () => completeConfig({ METRICS_TOKEN: [part] as unknown as string })), part)
})

t.test('an origin is taken as a browser writes it, or not at all', async (t) => {
  for (const origin of [
    '*', 'null', 'file://', 'https://example.com', 'https://example.com:8443', 'http://[::1]:3000',
    'https://*.example.com', 'https://*.example.com:8443', 'HTTPS://Example.COM:443',
    'https://münchen.example', 'capacitor://localhost', 'chrome-extension://abcdefghijklmnop'
  ]) t.same(fromEnv({ ALLOWED_ORIGINS: origin }).ALLOWED_ORIGINS, [origin])
  for (const origin of [
    'example.com', 'https://', 'https://example.com/', 'https://example.com/a', 'https://example.com?a',
    'https://user@example.com', 'https://a.*.com', 'https://*', 'https://**.example.com', 'https://*.*.example.com',
    'https://*example.com', 'https://example.com:port', 'https://example.com:99999', 'https://*.127.0.0.1',
    'https://exa mple.com', 'wss://example.com', 'file://a'
  ]) {
    t.match(
      refused(t, () => fromEnv({ ALLOWED_ORIGINS: origin })),
      /^ALLOWED_ORIGINS: invalid value ".*", expected a comma-separated list of origins/
    )
  }
})

t.test('lists are separated by commas and trimmed', async (t) => {
  t.same(fromFlags('--peerjs-key', 'a,b').PEERJS_KEY, ['a', 'b'])
  t.same(fromEnv({ DIALECTS: ' tom , drone,' }).DIALECTS, ['tom', 'drone'])
  t.same(fromEnv({ ALLOWED_ORIGINS: 'https://a.test, https://*.b.test' }).ALLOWED_ORIGINS, ['https://a.test', 'https://*.b.test'])
  t.same(fromEnv({ NATIVE_PORTS: 'tom:3001,drone:8081 , peerjs:0' }).NATIVE_PORTS, ['tom:3001', 'drone:8081', 'peerjs:0'])
  t.same(fromEnv({ PLUGINS: './mine.js,acme' }).PLUGINS, ['./mine.js', 'acme'])
  t.same(fromEnv({ TRUST_PROXY: '10.0.0.0/8, ::1' }).TRUST_PROXY, '10.0.0.0/8, ::1')
})

t.test('spaces around a value do not count', async (t) => {
  t.match(
    fromEnv({ PORT: ' 80 ', ALLOW_DISCOVERY: 'true\n', ID_TAKEOVER: ' reject' }),
    { PORT: 80, ALLOW_DISCOVERY: true, ID_TAKEOVER: 'reject' }
  )
})

/** The least that each must take, as the contracts say, and the greatest where there is one. */
const bounds: Record<string, readonly [least: number, greatest?: number]> = {
  PORT: [0, 65_535],
  HEARTBEAT_INTERVAL: [1000, 2 ** 31 - 1],
  ID_PROBE_MS: [0, 2 ** 31 - 1],
  RESUME_GRACE_MS: [0, 2 ** 31 - 1],
  PSYNC_PEER_TTL_MS: [1000, 2 ** 31 - 1],
  PEERJS_ALIVE_TIMEOUT: [1000, 2 ** 31 - 1],
  PEERJS_EXPIRE_TIMEOUT: [500, 2 ** 31 - 1],
  SESSION_TIMEOUT_MS: [1000, 2 ** 31 - 1],
  ROOM_TIMEOUT_MS: [1000, 2 ** 31 - 1],
  ROOM_EMPTY_TTL_MS: [500, 2 ** 31 - 1],
  DRAIN_MS: [0, 2 ** 31 - 1],
  MAX_PAYLOAD: [1024, 2 ** 31 - 1],
  MAX_BUFFERED: [65_536, 2 ** 31 - 1],
  MAILBOX_MAX_BYTES: [1024, 2 ** 31 - 1],
  MAILBOX_TOTAL_BYTES: [1024, 2 ** 31 - 1],
  ROOM_ID_DIGITS: [1, 9],
  MAX_CLIENTS: [1],
  MAX_ROOMS_PER_CLIENT: [1],
  MAX_EVENT_LOOP_DELAY: [10, 2 ** 31 - 1],
  TURN_TTL: [1, 2 ** 31 - 1],
  NODE_LEASE_MS: [1000, 2 ** 31 - 1],
  MESSAGE_RATE: [1],
  MESSAGE_BURST: [1],
  CONNECT_RATE: [1],
  ROOM_MAX_CLIENTS: [1],
  PEERJS_CONCURRENT_LIMIT: [1],
  MAILBOX_MAX_MESSAGES: [1]
}

t.test('every bound is accepted, and nothing beyond it', async (t) => {
  const numbers = settingNames.filter((name) => typeof fromEnv({})[name] === 'number')
  t.same(Object.keys(bounds).sort(), [...numbers].sort(), 'these are all the numbers')
  for (const [name, [least, greatest]] of Object.entries(bounds)) {
    t.match(fromEnv({ [name]: String(least) }), { [name]: least })
    const range = greatest === undefined ? `, ${least} or more` : ` from ${least}`
    t.match(
      refused(t, () => fromEnv({ [name]: String(least - 1) })),
      `${name}: invalid value "${least - 1}", expected an integer${range}`
    )
    if (greatest === undefined) {
      t.match(fromEnv({ [name]: '1000000000' }), { [name]: 1_000_000_000 })
    } else {
      t.match(fromEnv({ [name]: String(greatest) }), { [name]: greatest })
      t.match(
        refused(t, () => fromEnv({ [name]: String(greatest + 1) })),
        `${name}: invalid value "${greatest + 1}", expected an integer from ${least} to ${greatest}`
      )
    }
  }
})

t.test('a number is digits and nothing else', async (t) => {
  for (const text of ['abc', '1.5', '1e3', '0x10', '-1', '+1', '8080 8081', '1_000', 'NaN', 'Infinity', 'null', '٣']) {
    t.equal(refused(t, () => fromEnv({ MAX_CLIENTS: text })), `MAX_CLIENTS: invalid value "${text}", expected an integer, 1 or more`)
  }
})

t.test('a bad value names the setting, its value and what is expected', async (t) => {
  for (const [name, text, expected] of [
    ['PORT', '65536', 'an integer from 0 to 65535'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
    ['DIALECTS', 'tom,klingon', dialects],
    ['DIALECTS', 'tom,tom', dialects],
    ['DIALECTS', 'Tom', dialects],
    ['NATIVE_PORTS', 'tom', 'a comma-separated list of dialect:port'],
    ['NATIVE_PORTS', 'tom:65536', 'a comma-separated list of dialect:port'],
    ['NATIVE_PORTS', 'klingon:3001', 'a comma-separated list of dialect:port'],
    ['NATIVE_PORTS', 'tom:3001 drone:8081', 'a comma-separated list of dialect:port'],
    ['ID_TAKEOVER', 'maybe', 'one of replace, reject'],
    ['STRICT_IDENTITY', 'yes', 'true or false'],
    ['ALLOW_DISCOVERY', '1', 'true or false'],
    ['PEERJS_ALLOW_DISCOVERY', 'TRUE', 'true or false'],
    ['ALLOWED_ORIGINS', 'example.com', 'a comma-separated list of origins'],
    ['ALLOWED_ORIGINS', 'https://example.com/', 'a comma-separated list of origins'],
    ['ALLOWED_ORIGINS', 'https://a.*.com', 'a comma-separated list of origins'],
    ['PEERJS_KEY', ',', 'a comma-separated list of keys'],
    ['PEERJS_KEY', 'a/b', 'a comma-separated list of keys'],
    ['PEERJS_PATH', 'my app', 'a path, such as /myapp'],
    ['PEERJS_PATH', 'https://example.com/myapp', 'a path, such as /myapp'],
    ['TRUST_PROXY', 'nginx', proxies],
    ['TRUST_PROXY', '10.0.0.0/33', proxies],
    ['TRUST_PROXY', '::1,10.0.0.0/0', proxies],
    ['TRUST_PROXY', '999.1.1.1', proxies],
    ['TRUST_PROXY', 'true,10.0.0.1', proxies]
  ] as const) {
    const message = refused(t, () => fromEnv({ [name]: text }))
    const beginning = `${name}: invalid value "${text}", expected ${expected}`
    t.equal(message.slice(0, beginning.length), beginning)
    t.equal(refused(t, () => fromFlags(flagOf(name), text)), message, 'as a flag too')
  }
})

t.test('a plugin’s dialect has no place in DIALECTS and NATIVE_PORTS, and the message says where it has', async (t) => {
  t.equal(
    refused(t, () => fromEnv({ DIALECTS: 'tom,klingon' })),
    `DIALECTS: invalid value "tom,klingon", expected ${dialects}; ` +
    'only built-in dialects are named here: PLUGINS loads others'
  )
  t.equal(
    refused(t, () => fromEnv({ NATIVE_PORTS: 'klingon:18083' })),
    'NATIVE_PORTS: invalid value "klingon:18083", expected a comma-separated list of dialect:port; ' +
    'only built-in dialects are named here: PLUGINS loads others, each at a path of its own'
  )
})

t.test('what it got is told on one line, and not without end', async (t) => {
  t.equal(refused(t, () => fromEnv({ PORT: '80\n81' })), 'PORT: invalid value "80\\n81", expected an integer from 0 to 65535')
  t.match(refused(t, () => fromEnv({ LOG_LEVEL: 'x'.repeat(10_000) })), `invalid value "${'x'.repeat(128)}…", expected one of`)
})

t.test('a flag that does not exist is refused, and so is what is no flag', async (t) => {
  t.equal(refused(t, () => fromFlags('--nope')), 'Unknown option \'--nope\'; --help lists the flags')
  t.match(refused(t, () => fromFlags('--nope=1')), '--nope')
  t.match(refused(t, () => fromFlags('-p', '80')), '-p')
  t.equal(refused(t, () => fromFlags('8080')), 'Unexpected argument (hidden, since it may be a secret); --help lists the flags')
  t.match(refused(t, () => fromFlags('--port')), '--port')
  t.match(refused(t, () => fromFlags('--port', '--host', 'localhost')), '--port')
})

t.test('tokens are checked with one key, and what needs a key is not set without', async (t) => {
  t.equal(fromEnv({ JWT_SECRET: secret, JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }).JWT_AUDIENCE, 'a')
  t.equal(fromEnv({ JWKS_URL: 'https://keys.test/jwks.json' }).JWKS_URL, 'https://keys.test/jwks.json')
  t.match(
    refused(t, () => fromEnv({ JWT_SECRET: 'hunter2', JWKS_URL: 'https://keys.test' })),
    /^JWT_SECRET: cannot be combined with JWT_PUBLIC_KEY or JWKS_URL$/
  )
  t.match(
    refused(t, () => fromEnv({ JWT_PUBLIC_KEY: 'hunter2', JWKS_URL: 'https://keys.test' })),
    /^JWT_PUBLIC_KEY: cannot be combined with JWT_SECRET or JWKS_URL$/
  )
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE']) {
    t.match(refused(t, () => fromEnv({ [name]: 'x' })), `${name}: requires JWT_SECRET, JWT_PUBLIC_KEY or JWKS_URL`)
  }
  for (const url of ['ftp://keys.test', 'keys.test', 'https://user:hunter2@keys.test']) {
    t.notMatch(refused(t, () => fromEnv({ JWKS_URL: url })), 'hunter2')
  }
  t.equal(refused(t, () => completeConfig({ JWT_SECRET: 7 as unknown as string })).split(',')[0], 'JWT_SECRET: invalid value (hidden)')
})

t.test('what goes together is set together', async (t) => {
  t.match(refused(t, () => completeConfig({ TLS_CERT: 'c.pem' })), /^TLS_CERT: requires TLS_KEY$/)
  t.match(refused(t, () => completeConfig({ TLS_KEY: 'k.pem' })), /^TLS_KEY: requires TLS_CERT$/)
  t.match(refused(t, () => completeConfig({ TLS_CA: 'ca.pem' })), /^TLS_CA: requires TLS_CERT$/)
  t.match(
    refused(t, () => completeConfig({ TLS_CERT: 'c.pem', TLS_KEY: 'k.pem', TLS_REQUIRE_CLIENT_CERT: true })),
    /^TLS_REQUIRE_CLIENT_CERT: requires TLS_CA$/
  )
  for (const name of ['TLS_CERT', 'TLS_KEY', 'TLS_CA'] as const) {
    const message = refused(t, () => completeConfig({
      TLS_CERT: 'c.pem',
      TLS_KEY: 'k.pem',
      [name]: '-----BEGIN PRIVATE KEY-----\nhunter2'
    }))
    t.equal(message, `${name}: invalid value (hidden), expected the path of a file, not its content`)
  }
  t.match(refused(t, () => completeConfig({ TURN_URLS: ['turn:turn.test'] })), /^TURN_URLS: requires TURN_SECRET$/)
  t.equal(refused(t, () => completeConfig({ TURN_SECRET: 'hunter2' })), 'TURN_SECRET: requires TURN_URLS')
  t.match(
    refused(t, () => completeConfig({ TURN_URLS: ['stun:turn.test'], TURN_SECRET: 's' })),
    /^TURN_URLS: .*expected a comma-separated list of turn:host:port/
  )
})

t.test('Redis is one URL, or the nodes of a cluster, and its password is never told', async (t) => {
  t.same(fromEnv({ REDIS_URL: 'redis://localhost:6379' }).REDIS_URL, ['redis://localhost:6379'])
  t.same(fromEnv({ REDIS_URL: 'rediss://a:1,rediss://:secret@b:2' }).REDIS_URL, ['rediss://a:1', 'rediss://:secret@b:2'])
  t.equal(
    refused(t, () => fromEnv({ REDIS_URL: 'http://user:hunter2@localhost' })),
    'REDIS_URL: invalid value (hidden), expected redis://host:port or rediss://host:port, a comma-separated list of them, ' +
      'redis-sentinel://host:port,host:port/name, or redis+unix:///path'
  )
})

t.test('a native port is for a dialect that is spoken', async (t) => {
  t.match(
    refused(t, () => fromEnv({ DIALECTS: 'tom', NATIVE_PORTS: 'tom:3001,drone:8081' })),
    /^NATIVE_PORTS: invalid value .*drone:8081.*, expected .*DIALECTS/
  )
})

t.test('all is every dialect, those that are off by default among them', async (t) => {
  for (const text of ['all', 'all,tom', 'tom, all']) t.same(fromEnv({ DIALECTS: text }).DIALECTS, Object.keys(builtIn), text)
  t.same(completeConfig({ DIALECTS: ['all'] }).DIALECTS, Object.keys(builtIn), 'in an app, too')
  refused(t, () => fromEnv({ DIALECTS: 'All' }))
})

t.test('a dialect that is optional is on, has a native port and takes its name from PeerJS only where DIALECTS names it', async (t) => {
  const settings = dialectSettings([{ name: 'peerjs' }, { name: 'tom' }, { name: 'extra', isOptional: true }])
  const from = (env: Record<string, string>) => reading.readSettings(env, [], settings)
  t.same(from({}).DIALECTS, ['peerjs', 'tom'])
  t.same(from({ DIALECTS: 'extra' }).DIALECTS, ['extra'], 'it alone')
  t.same(from({ DIALECTS: 'all', NATIVE_PORTS: 'extra:1' }).NATIVE_PORTS, ['extra:1'])
  t.match(refused(t, () => from({ NATIVE_PORTS: 'extra:1' })), /^NATIVE_PORTS: .* expected dialects that are in DIALECTS$/)
  t.equal(from({ PEERJS_PATH: '/extra' }).PEERJS_PATH, '/extra')
  t.equal(refused(t, () => from({ DIALECTS: 'all', PEERJS_PATH: '/extra' })),
    'PEERJS_PATH: invalid value "/extra", expected a path that does not begin with tom, extra')
  t.match(refused(t, () => from({ DIALECTS: 'all', PEERJS_KEY: 'extra' })), /^PEERJS_KEY: .* expected keys other than tom, extra,/)
})

t.test('PeerJS does not take the paths of another dialect', async (t) => {
  t.match(refused(t, () => fromEnv({ PEERJS_PATH: '/rooms' })), /^PEERJS_PATH: invalid value "\/rooms", expected a path/)
  t.match(refused(t, () => fromEnv({ PEERJS_PATH: 'rooms/' })), /^PEERJS_PATH: invalid value "rooms\/", expected a path/)
  t.match(refused(t, () => fromEnv({ PEERJS_PATH: '//', PEERJS_KEY: 'tom' })), /^PEERJS_KEY: invalid value "tom", expected keys/)
  t.match(refused(t, () => fromEnv({ PEERJS_KEY: 'peerjs,tom' })), /^PEERJS_KEY: invalid value "peerjs,tom", expected keys/)
  t.same(fromEnv({ PEERJS_KEY: 'tom', PEERJS_PATH: '/peers' }).PEERJS_KEY, ['tom'])
  t.equal(fromEnv({ PEERJS_PATH: '/peerjs' }).PEERJS_PATH, '/peerjs')
})

t.test('an app that embeds it gets the same checks', async (t) => {
  t.equal(completeConfig({ MAX_CLIENTS: 7 }).MAX_CLIENTS, 7)
  t.same(completeConfig({}), fromEnv({}))
  t.same(completeConfig(Object.fromEntries(settingNames.map((name) => [name, undefined]))), fromEnv({}))
  t.equal(refused(t, () => completeConfig({ MAX_CLIENTS: 0 })), 'MAX_CLIENTS: invalid value 0, expected an integer, 1 or more')
  t.equal(
    refused(t, () => completeConfig({ PORT: '80' as unknown as number })),
    'PORT: invalid value "80", expected an integer from 0 to 65535'
  )
  t.equal(refused(t, () => completeConfig({ MAX_CLIENT: 1 } as unknown as Partial<Config>)), 'MAX_CLIENT: unknown setting')
  t.match(
    refused(t, () => completeConfig({ DIALECTS: ['tom', 'klingon'] })),
    'DIALECTS: invalid value ["tom","klingon"], expected'
  )
})

t.test('the defaults of one are not the defaults of another', async (t) => {
  completeConfig({}).DIALECTS?.pop()
  t.equal(completeConfig({}).DIALECTS?.length, 5)
})
