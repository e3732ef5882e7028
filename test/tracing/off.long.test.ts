import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { type Env, urlOf } from '../helper.js'
import { run, start } from '../process.js'
import { collect } from './collector.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Makes a process say, when it exits, which files of CommonJS it has loaded: all packages of OpenTelemetry are that. */
const probe = "import Module from 'node:module'; " +
  "process.on('exit', () => process.stdout.write('loaded ' + JSON.stringify(Object.keys(Module._cache))))"
const probed: Env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(probe)}`, DRAIN_MS: '0' }

/** The packages for traces that a server loads until it ends. */
async function loaded (t: Test, env: Env): Promise<string[]> {
  const { port, child, output, exited } = await start(t, { ...probed, ...env })
  await fetch(`${urlOf(port)}/metrics`)
  child.kill('SIGTERM')
  await exited
  const [, files = '[]'] = /loaded (\[.*\])/.exec(output.stdout) ?? []
  t.match(files, '/node_modules/fastify/')
  const names = (JSON.parse(files) as string[]).map((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? '')
  return [...new Set(names)].filter((name) => /opentelemetry|otel/.test(name))
}

t.test('nothing of OpenTelemetry is loaded, but for the interface that prom-client loads', async (t) => {
  t.same(await loaded(t, { OTEL_ENABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }), ['@opentelemetry/api'])
  const { env } = await collect(t)
  const whenOn = await loaded(t, env)
  for (const name of ['@fastify/otel', '@opentelemetry/sdk-node']) t.ok(whenOn.includes(name), `${name} is, when it is on`)
})

t.test('without its packages the server starts, and with it on says in one line what it needs', async (t) => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true })
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
  const server = join(folder, 'dist/src/server.js')

  const { port } = await start(t, {}, [], server)
  t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)
  const { output, exited } = run(t, { OTEL_ENABLED: 'true' }, [], server)
  t.not(await exited, 0)
  t.match(output.stderr, /^signalbox: OTEL_ENABLED: requires the packages @fastify\/otel, @opentelemetry\/api, @opentelemetry\/sdk-node\n$/)
  t.equal(output.stdout, '')
})
