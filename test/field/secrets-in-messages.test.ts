import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import t from 'tap'
import { verificationOf } from '../../src/auth/tokens.js'
import { completeConfig, type GivenConfig } from '../../src/config/read.js'
import { readConfig } from '../../src/settings.js'
import { type Config, ConfigSchema, flagOf, settingNames, type Settings } from '../../src/config/schema.js'
import { readAuthorities } from '../../src/state/redis/client.js'

const ofPlugins: Settings = { AYAME_KEY: Type.Optional(Type.String({ minLength: 20, writeOnly: true, description: 'Key' })) }
const schemas: Settings = { ...ConfigSchema.properties, ...ofPlugins }
const secrets = Object.keys(schemas).filter((name) => schemas[name]?.writeOnly === true)

/** In no message of ours are four of these letters next to each other. */
const marks = fc.stringMatching(/^[qxzj]{8,12}$/)
const partLength = 4

/** What people set: the secret, or with something around it that belongs elsewhere. */
const shapes: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  (secret) => secret.toUpperCase(),
  (secret) => `redis://user:${secret}@redis.test:6379/${secret}`,
  (secret) => `redis://${secret}@redis.test:${secret}`,
  (secret) => `redis://redis.test,redis://:${secret}@redis.test/1`,
  (secret) => `redis://:${secret}%@redis.test`,
  (secret) => `rediss://a@${secret}@b`,
  (secret) => `redis-sentinel://${secret}`,
  (secret) => `https://${secret}.test/${secret}?key=${secret}#${secret}`,
  (secret) => `https://[${secret}]/`,
  (secret) => `https://user:${secret}@keys.test`,
  (secret) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
  (secret) => `-----BEGIN PUBLIC KEY-----\\n${secret}`,
  (secret) => `{"keys":["${secret}"]}`,
  (secret) => `"${secret}"\n`,
  (secret) => `--${secret}`,
  (secret) => `-${secret}=1`,
  (secret) => `/run/secrets/${secret}`,
  (secret) => `${secret}\u0000${secret}`,
  (secret) => secret.repeat(9_000)
]

const directory = t.testdir()
let files = 0

function fileWith (text: string | Buffer): string {
  const path = join(directory, String(files++))
  writeFileSync(path, text)
  return path
}

/** The ways in which a value gets in. */
const ways: ReadonlyArray<(name: string, value: string) => Config> = [
  (name, value) => readConfig({ [name]: value }, [], ofPlugins),
  (name, value) => readConfig({}, [flagOf(name), value], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name)}=${value}`], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name)}=`, value], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name).slice(0, -1)}`, value], ofPlugins),
  (name, value) => readConfig({}, [flagOf(name).replaceAll('-', '_'), value], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name)}-${value}`], ofPlugins),
  (name, value) => readConfig({ [`${name}_FILE`]: fileWith(value) }, [], ofPlugins),
  (name, value) => readConfig({ [`${name}_FILE`]: fileWith(Buffer.from(value, 'utf16le')) }, [], ofPlugins),
  (name, value) => readConfig({ [`${name}_FILE`]: value }, [], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name)}-file`, value], ofPlugins),
  (name, value) => readConfig({}, [`${flagOf(name)}-file=${fileWith(value)}`], ofPlugins),
  (name, value) => readConfig({ [name]: value }, [`${flagOf(name)}-file=${value}`], ofPlugins),
  (name, value) => readConfig({ [`${name}_FILE`]: value, [`${name}X_FILE`]: value }, [], ofPlugins),
  (name, value) => completeConfig({ [name]: value } as GivenConfig, ofPlugins),
  (name, value) => completeConfig({ [name]: [value] } as GivenConfig, ofPlugins),
  (name, value) => completeConfig({ [name]: { value } } as GivenConfig, ofPlugins),
  (name, value) => completeConfig({ [name]: [[BigInt(1), value]] } as GivenConfig, ofPlugins)
]

/** Settings beside which a secret is right, or wrong in another way. */
const others: GivenConfig[] = [{}, { JWT_SECRET: 'x'.repeat(32) }, { TURN_URLS: ['turn:turn.test'] }, { JWT_ISSUER: 'issuer' }]

/** All that is said of a value: when it is read, and when it is used. */
async function complaintOf (read: () => Config): Promise<string | undefined> {
  try {
    const config = read()
    await verificationOf(config, () => {}, () => 0)
    if (config.REDIS_CA !== undefined) readAuthorities(config.REDIS_CA)
  } catch (error) {
    // A ConfigError is printed alone, anything else with all that is in it.
    const { name, message, cause, stack } = error as Error
    return name === 'ConfigError' ? message : JSON.stringify({ ...(error as Error), message, cause, stack })
  }
}

t.test('the schema says which settings are secret', async (t) => {
  for (const name of settingNames.filter((name) => /^JWT_|^JWKS_URL$|^REDIS_(URL|CA)$|SECRET|TOKEN|PASSWORD/.test(name))) {
    t.ok(secrets.includes(name), name)
  }
})

t.test('no part of a secret is in a message, whatever is wrong with it and wherever it was given', async (t) => {
  let complaints = 0
  await fc.assert(fc.asyncProperty(
    fc.constantFrom(...secrets), marks, fc.constantFrom(...shapes), fc.constantFrom(...ways), fc.constantFrom(...others),
    async (name, secret, shape, way, other) => {
      const value = shape(secret)
      for (const read of [() => way(name, value), () => completeConfig({ ...other, [name]: value } as GivenConfig, ofPlugins)]) {
        const complaint = (await complaintOf(read))?.toLowerCase()
        if (complaint === undefined) continue
        complaints++
        for (let at = 0; at + partLength <= secret.length; at++) {
          if (complaint.includes(secret.slice(at, at + partLength))) throw new Error(complaint.slice(0, 1_000))
        }
      }
    }
  ), { numRuns: 1_000 })
  t.ok(complaints > 500, `${complaints} were refused`)
})
