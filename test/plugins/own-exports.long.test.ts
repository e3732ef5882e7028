import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { urlOf } from '../helper.js'
import { run, start } from '../process.js'

const fileOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const entry = (path: string) => new URL(`../../${path}`, import.meta.url).href

/** A plugin that tells which file its `signalbox` is, in a folder outside the project with a copy of `signalbox` of its own. */
function plugin (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-plugin-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const copy = join(folder, 'node_modules/signalbox')
  mkdirSync(copy, { recursive: true })
  writeFileSync(join(copy, 'package.json'), '{ "name": "signalbox", "type": "module", "exports": "./index.js" }')
  writeFileSync(join(copy, 'index.js'), 'throw new Error("a second copy")')
  const file = join(folder, 'whisper.mjs')
  writeFileSync(file, `
    import { signalbox } from 'signalbox'
    export default async (app) => { app.get('/mine', async () => [import.meta.resolve('signalbox'), typeof signalbox]) }
  `)
  return file
}

t.test('a plugin outside the project imports the package of the built server, not a copy next to it', async (t) => {
  const { port } = await start(t, { PLUGINS: plugin(t) })
  t.same(await (await fetch(`${urlOf(port)}/mine`)).json(), [entry('dist/src/index.js'), 'function'])
})

t.test('under tsx it imports the sources that run', async (t) => {
  const { port } = await start(t, { PLUGINS: plugin(t), NODE_OPTIONS: '--import=tsx' }, [], fileOf('src/server.ts'))
  t.same(await (await fetch(`${urlOf(port)}/mine`)).json(), [entry('src/index.ts'), 'function'])
})

t.test('in an app around it imports the package that the app imports', async (t) => {
  const app = join(t.testdir(), 'app.mjs')
  writeFileSync(app, `
    import fastify from 'fastify'
    import { signalbox } from 'signalbox'
    const app = fastify()
    await app.register(signalbox, { config: { PLUGINS: [${JSON.stringify(plugin(t))}], LOG_LEVEL: 'silent' } })
    console.log((await app.inject('/mine')).body)
    await app.close()
  `)
  const { output, exited } = run(t, {}, [], app)
  t.equal(await exited, 0, output.stderr)
  t.same(JSON.parse(output.stdout), [entry('dist/src/index.js'), 'function'])
})
