import t from 'tap'
import { build, type Env, urlOf } from '../helper.js'

interface Operation { tags?: string[], summary?: string }

interface Openapi {
  openapi: string
  info: { title: string }
  tags: Array<{ name: string, description: string }>
  paths: Record<string, Record<string, Operation>>
}

async function documentOf (t: Parameters<typeof build>[0], env: Env = {}): Promise<Openapi> {
  const response = await fetch(`${urlOf(await build(t, env))}/openapi.json`)
  if (response.status !== 200) throw new Error(`/openapi.json answers ${response.status}`)
  return await response.json() as Openapi
}

const operationsOf = ({ paths }: Openapi) => Object.entries(paths).flatMap(([path, methods]) => {
  return Object.entries(methods).map(([method, { tags = [], summary = '' }]) => ({ name: `${method} ${path}`, tags, summary }))
})

t.test('/openapi.json lists the REST routes and no socket routes', async (t) => {
  const { openapi, info, paths } = await documentOf(t)
  t.equal(openapi, '3.1.0')
  t.equal(info.title, 'Signalbox')
  const listed = Object.keys(paths)
  for (const path of ['/health', '/ready', '/peerjs/health', '/{key}/id', '/{key}/peers']) t.ok(listed.includes(path), path)
  for (const dialect of ['rooms', 'psync', 'drone', 'tom']) {
    for (const path of ['health', 'id', 'peers']) t.ok(listed.includes(`/${dialect}/${path}`), `/${dialect}/${path}`)
  }
  for (const path of [
    '/', '/tom', '/tom/', '/rooms', '/rooms/', '/drone', '/drone/', '/psync/ws', '/psync/ws/', '/ws', '/ws/', '/peerjs',
    '/peerjs/', '/openapi.json'
  ]) {
    t.notOk(listed.includes(path), path)
  }
})

t.test('each route of /openapi.json has a summary and one tag: server, its dialect, or admin', async (t) => {
  const document = await documentOf(t, { PEERJS_PATH: '/calls' })
  const declared = document.tags.map(({ name }) => name)
  t.same([...declared].sort(), ['admin', 'drone', 'peerjs', 'psync', 'rooms', 'server', 'tom'])
  for (const { name, tags, summary } of operationsOf(document)) {
    t.not(summary, '', `${name} has a summary`)
    t.equal(tags.length, 1, `${name} has a tag`)
    t.ok(declared.includes(tags[0] ?? ''), `${name} has a tag that is explained`)
  }
  t.match(document.paths, {
    '/tom/health': { get: { tags: ['tom'] } },
    '/calls/{key}/peers': { get: { tags: ['peerjs'] } },
    '/calls': { get: { tags: ['peerjs'] } },
    '/ready': { get: { tags: ['server'] } },
    '/admin/drain': { post: { tags: ['admin'] } }
  })
})

t.test('a dialect that is off has neither routes nor a tag', async (t) => {
  const { tags, paths } = await documentOf(t, { DIALECTS: 'tom' })
  t.same(tags.map(({ name }) => name), ['server', 'tom', 'admin'])
  t.notMatch(Object.keys(paths), /^\/rooms/)
})
