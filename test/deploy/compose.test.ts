import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../../src/settings.js'

interface Service {
  build?: string
  image?: string
  user?: string
  ports?: string[]
  environment?: Record<string, string | number>
  stop_grace_period?: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  mem_limit?: string
  pids_limit?: number
  healthcheck?: { test: string }
  networks?: { default: { aliases: string[] } }
  depends_on?: Record<string, { condition: string }>
}

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
// The shape is what this test holds the file to.
const { services } = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> }
const all = Object.entries(services)
const nodes = all.filter(([, { build }]) => build !== undefined)
const [redisName, redis] = all.find(([, { image }]) => image?.startsWith('redis:')) as [string, Service]
const [, balancer] = all.find(([, { image }]) => image?.startsWith('nginx:')) as [string, Service]

t.test('three nodes share one Redis behind one balancer, and nothing else runs', async (t) => {
  t.equal(nodes.length, 3)
  t.equal(all.length, 5)
  for (const [, { environment = {} }] of nodes) {
    const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]))
    t.same(readConfig(env, []).REDIS_URL, [`redis://${redisName}:6379`])
    t.equal(env.TRUST_PROXY, 'true')
  }
})

t.test('only the balancer can be reached from outside', async (t) => {
  t.same(all.filter(([, { ports }]) => ports !== undefined), [all.find(([, service]) => service === balancer)])
})

t.test('everything has a health check, that of a node is /ready', async (t) => {
  for (const [name, { healthcheck }] of all) t.ok(healthcheck?.test, name)
  for (const [name, { healthcheck }] of nodes) t.match(healthcheck?.test, '127.0.0.1:8080/ready', name)
  t.match(read('Dockerfile'), /^HEALTHCHECK .* CMD \["node", "deploy\/health-check\.js"\]$/m)
  t.match(read('Dockerfile'), /^ENTRYPOINT \["node", "dist\/src\/server\.js"\]$/m)
  t.match(read('Dockerfile'), /^COPY deploy\/health-check\.js deploy\/$/m)
  t.match(read('.dockerignore'), /^!deploy\/health-check\.js$/m)
})

t.test('the nodes wait for a healthy Redis, and the balancer for healthy nodes', async (t) => {
  for (const [, { depends_on: needs }] of nodes) t.same(needs, { [redisName]: { condition: 'service_healthy' } })
  t.same(balancer.depends_on, Object.fromEntries(nodes.map(([name]) => [name, { condition: 'service_healthy' }])))
  t.equal(redis.depends_on, undefined)
})

t.test('a node has longer to stop than its drain takes, with the 5 s after it', async (t) => {
  for (const [, { stop_grace_period: grace = '10s', environment = {} }] of nodes) {
    t.match(grace, /^\d+s$/)
    t.ok(parseInt(grace) * 1000 > Number(environment.DRAIN_MS) + 5000, grace)
  }
})

t.test('the balancer asks for the nodes by a name that all of them have, on the port they listen on', async (t) => {
  const [, name, port] = /set \$nodes (\S+);\s+proxy_pass http:\/\/\$nodes:(\d+);/.exec(read('deploy/nginx.conf')) ?? []
  for (const [, { networks }] of nodes) t.same(networks?.default.aliases, [name])
  t.equal(Number(port), readConfig({}, []).PORT)
})

t.test('neither a node nor the balancer runs as root', async (t) => {
  t.match(read('Dockerfile'), /\nUSER node\n/)
  t.equal(balancer.user, 'nginx')
  t.equal(redis.user, 'redis')
})

t.test('everything runs without capabilities, new privileges or a disk to write, and with a bound of memory and processes', async (t) => {
  for (const [name, service] of all) {
    t.match(service, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], pids_limit: Number }, name)
    t.match(service.mem_limit, /^\d+g$/, name)
  }
})

t.test('images are pinned to an exact version, and Node is one that is supported', async (t) => {
  const images = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
  for (const image of [...images, redis.image, balancer.image]) t.match(image, /:\d+\.\d+\.\d+-alpine/)
  t.equal(new Set(images).size, 1, 'it runs on what it was built on')
  // Even ones from 24 on.
  const major = Number(/^node:(\d+)/.exec(images[0] ?? '')?.[1])
  t.ok(major >= 24 && major % 2 === 0, `Node ${major}`)
})

t.test('no setting is present and blank', async (t) => {
  for (const [name, { environment = {} }] of all) for (const value of Object.values(environment)) t.not(String(value).trim(), '', name)
})
