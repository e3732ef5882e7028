import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import { fileWith } from '../field/file-with.js'
import { urlOf } from '../helper.js'
import { run, start } from '../process.js'

const settings = `Type.Object({
  AYAME_MAX_PEERS: Type.Integer({ minimum: 2, maximum: 9, default: 2, description: 'Peers of a room' }),
  AYAME_KEY: Type.Optional(Type.String({ minLength: 4, writeOnly: true, description: 'Key of a room' }))
})`

/** The dialect `ayame` with these settings, whose `/ayame/settings` answers with their values. */
function ayame (t: Test, source = settings, name = 'ayame'): string {
  const file = join(t.testdir(), `${name}.mjs`)
  writeFileSync(file, `
    import { Type } from 'signalbox'
    export const autoPrefix = '/ayame'
    export const settings = ${source}
    const errors = { frame: (text) => text, notJson: '', unknownType: () => '', malformed: () => '', internal: '' }
    export default async (app) => {
      app.route({ url: '/', ...app.speak({ name: 'ayame', frames: {}, handlers: {}, errors, open: (connection) => connection }) })
      const { config, settingsOf } = app.signalbox
      app.get('/settings', async () => ({ ...settingsOf(settings), same: config.AYAME_MAX_PEERS }))
    }
  `)
  return file
}

const valuesAt = async (to: Parameters<typeof urlOf>[0]) => await (await fetch(`${urlOf(to)}/ayame/settings`)).json()

/** The one line with which the server ends. */
async function lastWords (t: Test, env: Record<string, string>, argv: string[] = []): Promise<string> {
  const { output, exited } = run(t, { PORT: '0', ...env }, argv)
  t.equal(await exited, 1)
  t.equal(output.stderr.split('\n').length, 2, 'one line')
  return output.stderr
}

t.test('a plugin’s settings come from the environment and from flags, or have their defaults', async (t) => {
  const PLUGINS = ayame(t)
  const byDefault = await start(t, { PLUGINS })
  t.same(await valuesAt(byDefault.port), { AYAME_MAX_PEERS: 2, same: 2 })
  const set = await start(t, { AYAME_MAX_PEERS: '5', AYAME_KEY: 'hunter2' }, ['--plugins', PLUGINS, '--ayame-max-peers=4'])
  t.same(await valuesAt(set.port), { AYAME_MAX_PEERS: 4, AYAME_KEY: 'hunter2', same: 4 })
})

t.test('they can be files, and so can the list of plugins', async (t) => {
  const env = { PLUGINS_FILE: fileWith(t, `${ayame(t)}\n`), AYAME_KEY_FILE: fileWith(t, 'hunter2\n') }
  const { port } = await start(t, env, ['--ayame-max-peers-file', fileWith(t, '7\n')])
  t.same(await valuesAt(port), { AYAME_MAX_PEERS: 7, AYAME_KEY: 'hunter2', same: 7 })
  t.equal(
    await lastWords(t, { ...env, AYAME_KEY: 'hunter2' }),
    'signalbox: AYAME_KEY: cannot be combined with AYAME_KEY_FILE\n'
  )
  t.match(await lastWords(t, { ...env, AYAME_KYE_FILE: '/x' }), 'AYAME_KYE_FILE: no setting is called AYAME_KYE')
})

t.test('--help prints them', async (t) => {
  const { output, exited } = run(t, { PLUGINS: ayame(t) }, ['--help'])
  t.equal(await exited, 0)
  t.match(output.stdout, /--ayame-max-peers +Peers of a room\n +accepts an integer from 2 to 9; default 2; environment AYAME_MAX_PEERS\n/)
  t.match(output.stdout, /--ayame-key +Key of a room\n +accepts text; default none; environment AYAME_KEY\n/)
})

t.test('a bad one, or an unknown flag, ends the start with the message of any setting, which hides secrets', async (t) => {
  const PLUGINS = ayame(t)
  t.equal(
    await lastWords(t, { PLUGINS, AYAME_MAX_PEERS: '10' }),
    'signalbox: AYAME_MAX_PEERS: invalid value "10", expected an integer from 2 to 9\n'
  )
  t.equal(await lastWords(t, { PLUGINS, AYAME_KEY: 'hun' }), 'signalbox: AYAME_KEY: invalid value (hidden), expected text\n')
  t.match(await lastWords(t, { PLUGINS }, ['--ayame-nope', '1']), "Unknown option '--ayame-nope'; --help lists the flags")
  t.match(await lastWords(t, {}, ['--ayame-max-peers', '3']), "Unknown option '--ayame-max-peers'; --help lists the flags")
})

t.test('an app around gives them in config, and an unknown one is refused', async (t) => {
  const PLUGINS = [ayame(t)]
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(signalbox, { config: { PLUGINS, AYAME_MAX_PEERS: 7 } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(await valuesAt(app), { AYAME_MAX_PEERS: 7, same: 7 })
  const other = fastify()
  t.teardown(async () => await other.close())
  await t.rejects(async () => await other.register(signalbox, { config: { AYAME_MAX_PEERS: 7 } }), {
    message: 'AYAME_MAX_PEERS: unknown setting'
  })
})

t.test('settings that cannot be read, or are not the dialect’s, stop the start', async (t) => {
  const bad = [
    ['{}', /^PLUGINS: the settings of ".*" must be a Type.Object$/],
    ["Type.Object({ AYAME_A: Type.Integer({ description: 'a' }) })", /AYAME_A of ".*" needs a default, or must be optional$/],
    ['Type.Object({ AYAME_A: Type.Integer({ default: 1 }) })', /AYAME_A of ".*" needs a description$/],
    ["Type.Object({ AYAME_A: Type.Boolean({ default: 1, description: 'a' }) })", /AYAME_A of ".*" has a default that it does not accept$/],
    ["Type.Object({ AYAME_A: Type.Object({}, { description: 'a' }) })", /AYAME_A of ".*" must be an integer/],
    ["Type.Object({ ayame: Type.Integer({ default: 1, description: 'a' }) })", /ayame of ".*" must have a name in capitals/],
    ["Type.Object({ MAX_CLIENTS: Type.Integer({ default: 1, description: 'a' }) })", /MAX_CLIENTS of ".*" is a setting of the server$/],
    ["Type.Object({ WHISPER_A: Type.Integer({ default: 1, description: 'a' }) })", /WHISPER_A of ".*" must begin with AYAME_$/]
  ] as const
  for (const [at, [source, message]] of bad.entries()) {
    const app = fastify()
    t.teardown(async () => await app.close())
    // A name of its own, since a module is loaded once.
    const PLUGINS = [ayame(t, source, `ayame-${at}`)]
    await t.rejects(async () => await app.register(signalbox, { config: { PLUGINS } }), { name: 'ConfigError', message })
  }
})
