import t from 'tap'
import { build, urlOf } from '../helper.js'

t.test('/openapi.json lists the REST routes and no socket routes', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/openapi.json`)
  t.equal(response.status, 200)
  const { openapi, info, paths } = await response.json() as { openapi: string, info: { title: string }, paths: Record<string, unknown> }
  t.match(openapi, /^3\./)
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
