import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/settings.js'
import { checkSettings } from '../../src/config/plugin-settings.js'
import { defaultOf } from '../../src/config/describe.js'
import { type Config, ConfigSchema, flagOf, settingNames } from '../../src/config/schema.js'
import { Type } from '@sinclair/typebox'
import { fileWith } from './file-with.js'

/** Where no value is the default: one that is accepted, and what must be set beside it. */
const examples: Partial<Record<keyof Config, readonly [value: string, beside?: Record<string, string>]>> = {
  NATIVE_PORTS: ['tom:0'],
  PLUGINS: ['./mine.js'],
  REDIS_URL: ['redis://:password@redis.test'],
  REDIS_CA: ['ca.pem', { REDIS_URL: 'rediss://redis.test' }],
  LOG_FORMAT: ['pretty'],
  DIALECTS: ['tom,drone'],
  BRIDGE: ['peerjs-drone'],
  MAX_CLIENTS_PER_ADDRESS: ['5'],
  MAX_MEMORY: ['2000000000'],
  JWT_SECRET: ['s'.repeat(32)],
  JWT_PUBLIC_KEY: ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
  JWKS_URL: ['https://keys.test/jwks.json'],
  JWT_ISSUER: ['issuer', { JWT_SECRET: 's'.repeat(32) }],
  JWT_AUDIENCE: ['audience', { JWT_SECRET: 's'.repeat(32) }],
  TLS_CERT: ['cert.pem', { TLS_KEY: 'key.pem' }],
  TLS_KEY: ['key.pem', { TLS_CERT: 'cert.pem' }],
  TLS_CA: ['ca.pem', { TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem' }],
  TURN_URLS: ['turn:turn.test', { TURN_SECRET: 's'.repeat(32) }],
  TURN_SECRET: ['s'.repeat(32), { TURN_URLS: 'turn:turn.test' }],
  STUN_URLS: ['stun:stun.test'],
  AUDIT_LOG: ['audit.log'],
  METRICS_TOKEN: ['t'.repeat(32)],
  PEERJS_ALLOW_DISCOVERY: ['true']
}

function refused (t: Test, read: () => unknown): string {
  try {
    read()
  } catch (error) {
    t.equal((error as Error).name, 'ConfigError')
    return (error as Error).message
  }
  t.fail('was not refused')
  return ''
}

t.test('every setting can be given as a file, by variable and by flag, with or without a line feed at its end', async (t) => {
  for (const name of settingNames) {
    const [value, beside = {}] = examples[name] ?? [defaultOf(ConfigSchema.properties[name])]
    t.not(value, '', `${name} has an example`)
    const expected = readConfig({ ...beside, [name]: value }, [])
    for (const text of [value, `${value}\n`, `${value}\r\n`]) {
      const file = fileWith(t, text)
      t.same(readConfig({ ...beside, [`${name}_FILE`]: file }, []), expected, `${name}_FILE`)
      t.same(readConfig(beside, [`${flagOf(name)}-file`, file]), expected, `${flagOf(name)}-file`)
    }
  }
})

t.test('a setting that is given as a value and as a file stops the start', async (t) => {
  const file = fileWith(t, 'f'.repeat(32))
  for (const [env, argv] of [
    [{ METRICS_TOKEN: 'value', METRICS_TOKEN_FILE: file }, []],
    [{ METRICS_TOKEN: 'value' }, ['--metrics-token-file', file]],
    [{ METRICS_TOKEN_FILE: file }, ['--metrics-token', 'value']],
    [{}, ['--metrics-token-file', file, '--metrics-token', 'value']],
    [{ METRICS_TOKEN: '', METRICS_TOKEN_FILE: file }, []]
  ] as const) t.equal(refused(t, () => readConfig(env, argv)), 'METRICS_TOKEN: cannot be combined with METRICS_TOKEN_FILE')
  const blank = { LOG_LEVEL: ' ', LOG_LEVEL_FILE: fileWith(t, 'warn') }
  t.equal(readConfig(blank, []).LOG_LEVEL, 'warn', 'a blank value that means absent is none')
  t.equal(readConfig({ LOG_LEVEL: 'warn', LOG_LEVEL_FILE: ' ' }, []).LOG_LEVEL, 'warn', 'nor is a blank path')
  t.match(refused(t, () => readConfig({ JWT_SECRET_FILE: '' }, [])), /^JWT_SECRET_FILE: empty value, expected the path of a file/)
})

t.test('a variable for a file that names no setting stops the start, one of somebody else does not', async (t) => {
  for (const name of [
    'JWT_SECERT_FILE', 'JTW_SECRET_FILE', 'REDIS_PASSWORD_FILE', 'METRIC_TOKEN_FILE', 'PEERJS_FILE', 'TLS_CERTIFICATE_FILE'
  ]) {
    t.equal(
      refused(t, () => readConfig({ [name]: '/run/secrets/hunter2' }, [])),
      `${name}: no setting is called ${name.slice(0, -5)}; --help lists the settings`
    )
  }
  for (const name of [
    'SSL_CERT_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AZURE_FEDERATED_TOKEN_FILE', 'COMPOSE_FILE', 'ENV_FILE', 'NODE_OPTIONS_FILE',
    'OTEL_EXPERIMENTAL_CONFIG_FILE', 'jwt_secert_file', 'POST_FILE'
  ]) t.same(readConfig({ [name]: '/etc/x' }, []), readConfig({}, []), name)
  t.match(refused(t, () => readConfig({}, ['--jwt-secert-file', '/run/secrets/hunter2'])), /^Unknown option '--jwt-secert-file'/)
})

t.test('a file that cannot be read, or holds no value, is told without its path and without what is in it', async (t) => {
  const directory = join(t.testdir(), 'directory')
  mkdirSync(directory)
  const secret = fileWith(t, 'hunter2')
  for (const [path, problem] of [
    ['/no/such/hunter2', 'the file cannot be read (ENOENT)'],
    [directory, 'the file cannot be read (EISDIR)'],
    [`${secret}/hunter2`, 'the file cannot be read (ENOTDIR)'],
    [fileWith(t, ''), 'the file is empty'],
    [fileWith(t, ' \n'), 'the file is empty'],
    [fileWith(t, Buffer.from([0x68, 0xff])), 'the file is not UTF-8 text'],
    [fileWith(t, 'hunter2'.repeat(10_000)), 'the file has more than 65536 bytes'],
    ['/dev/zero', 'the file has more than 65536 bytes']
  ] as const) t.equal(refused(t, () => readConfig({ METRICS_TOKEN_FILE: path }, [])), `METRICS_TOKEN_FILE: ${problem}`)
  t.equal(
    refused(t, () => readConfig({ PORT_FILE: secret }, [])),
    'PORT: invalid value (hidden, from PORT_FILE), expected an integer from 0 to 65535'
  )
})

t.test('a file that others own is read before the start, or not at all', { skip: process.getuid?.() === 0 }, async (t) => {
  const file = fileWith(t, 'token')
  chmodSync(file, 0)
  t.equal(refused(t, () => readConfig({ METRICS_TOKEN_FILE: file }, [])), 'METRICS_TOKEN_FILE: the file cannot be read (EACCES)')
})

t.test('no setting of a plugin has a name that could be the file of another', async (t) => {
  const settings = Type.Object({ SHOUT_KEY_FILE: Type.String({ default: '', description: 'Key' }) })
  t.match(refused(t, () => checkSettings('shout', settings)), /SHOUT_KEY_FILE of "shout" must have a name that does not end in _FILE/)
})
