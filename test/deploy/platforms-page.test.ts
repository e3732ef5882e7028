import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { settingNames } from '../../src/config/schema.js'
import { readConfig } from '../../src/settings.js'
import { build, type Env, urlOf } from '../helper.js'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const page = read('docs/deploy/platforms.md')
const { DRAIN_MS, PORT, HEARTBEAT_INTERVAL } = readConfig({}, [])

interface Probe { httpGet: { path: string, port: string } }

interface Container {
  ports: Array<{ name: string, containerPort: number }>
  env: Array<{ name: string, value: string }>
  volumeMounts: [{ name: string, mountPath: string }]
  readinessProbe: Probe
  livenessProbe: Probe
  lifecycle: { preStop: { exec: { command: [string, string] } } }
}

interface Deployment {
  selector: { matchLabels: object }
  template: {
    metadata: { labels: object }
    spec: { containers: [Container], volumes: object[], terminationGracePeriodSeconds: number }
  }
}

interface Pm2 { apps: [{ script: string, kill_timeout: number, env: Record<string, string> }] }

const manifests = parseAllDocuments(read('deploy/kubernetes.yaml')).map((document) => {
  if (document.errors[0] !== undefined) throw document.errors[0]
  return document.toJS() as { kind: string, spec: object }
})
const [deployment, service] = manifests.map(({ spec }) => spec) as [Deployment, object]
const pod = deployment.template.spec
const [container] = pod.containers
const { env } = container

t.test('the page quotes the files, whole and word by word, and names settings that there are', async (t) => {
  for (const file of ['deploy/kubernetes.yaml', 'deploy/pm2.config.cjs', 'deploy/Procfile']) {
    t.ok([...page.matchAll(/^```\w+\n([^]*?)^```$/gm)].some(([, quoted]) => quoted === read(file)), file)
  }
  for (const [, name = ''] of page.matchAll(/`([A-Z]+(?:_[A-Z]+)*)(?:=[^`]*)?`/g)) t.ok(['NAME_FILE', ...settingNames].includes(name), name)
})

t.test('Kubernetes: Signalbox takes the settings, with secrets in the files that are mounted', async (t) => {
  t.same(manifests.map(({ kind }) => kind), ['Deployment', 'Service'])
  const key = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
  const files = t.testdir({ 'redis-url': 'redis://:password@redis:6379', 'jwt.pem': key })
  const [{ mountPath, name }] = container.volumeMounts
  t.match(pod.volumes, [{ name, secret: { secretName: 'signalbox' } }])
  const given: Env = Object.fromEntries(env.map(({ name, value }) => [name, value.replace(mountPath, files)]))
  t.match(readConfig(given, []), { PORT: container.ports[0]?.containerPort, REDIS_URL: ['redis://:password@redis:6379'], DRAIN_MS })
  for (const { name, value } of env.filter(({ name }) => name.endsWith('_FILE'))) t.ok(value.startsWith(`${mountPath}/`), name)
})

t.test('Kubernetes: the Service leads to the port of the pods, and the probes to what answers', async (t) => {
  t.match(container.ports, [{ name: 'http', containerPort: PORT }])
  t.match(service, { selector: deployment.template.metadata.labels, ports: [{ targetPort: 'http' }] })
  t.same(deployment.selector.matchLabels, deployment.template.metadata.labels)
  const app = await build(t)
  for (const [probe, path] of [['readinessProbe', '/ready'], ['livenessProbe', '/health']] as const) {
    t.match(container[probe].httpGet, { path, port: 'http' })
    t.equal((await fetch(urlOf(app) + path)).status, 200)
  }
})

t.test('Kubernetes, pm2 and Heroku wait until a node is drained', async (t) => {
  const drainS = (DRAIN_MS + 5_000) / 1_000
  const [, pause] = container.lifecycle.preStop.exec.command
  t.ok(pod.terminationGracePeriodSeconds > Number(pause) + drainS)
  const { apps: [app] } = createRequire(import.meta.url)('../../deploy/pm2.config.cjs') as Pm2
  t.ok(app.kill_timeout > drainS * 1_000)
  const { NODE_ENV, ...settings } = app.env
  t.match(readConfig(settings, []), { HOST: '127.0.0.1', PORT, TRUST_PROXY: '127.0.0.1' })
  t.equal(`node ${app.script}`, read('deploy/Procfile').trim().replace(/^web: /, ''))
  t.ok(drainS < 30 && HEARTBEAT_INTERVAL < 55_000, 'which the page says of Heroku')
})

t.test('the Procfile’s command listens at PORT, and drains at SIGTERM', async (t) => {
  const [, command = ''] = /^web: (.*)$/m.exec(read('deploy/Procfile')) ?? []
  const { PATH = '' } = process.env
  const options = { cwd: root, env: { PATH, PORT: '0', TRUST_PROXY: '1' } }
  const child = spawn('sh', ['-c', `exec ${command}`], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (text) => { said += String(text) })
  while (!/Server listening at http:\/\/\S+:\d+/.test(said)) await once(child.stdout, 'data')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.same(await ended, [0, null])
})

t.test('systemd finds nothing wrong with the unit', async (t) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.pass('there is no systemd-analyze here')
  const said = execFileSync('systemd-analyze', ['verify', 'deploy/signalbox.service'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  t.equal(said, '')
})
