import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join, listOf, news } from './nodes.js'

const build = buildOnly('tom')

async function buildNative (t: Test, env = {}): Promise<{ app: FastifyInstance, port: number }> {
  const app = await build(t, { NATIVE_PORTS: 'tom:0', ...env })
  const [port = 0] = app.nativePorts
  return { app, port }
}

t.test('a node on the native listener and one on /tom see and reach each other', async (t) => {
  const { app, port } = await buildNative(t)
  const alice = await join(t, app, 'a')
  const bob = await join(t, port, 'b', {}, '/')
  await listOf(alice, 'a', 'b')
  t.same(await news(alice, ['a', 'b'], bob), [])
  t.same(await news(bob, ['b', 'a'], alice), [])
  await bob.close()
  t.match(await alice.next(), { type: 'presence', action: 'leave', nodeId: 'b' })
})

t.test('the native listener takes an id over from the main one', async (t) => {
  const { app, port } = await buildNative(t)
  const old = await join(t, app, 'a')
  await join(t, port, 'a', {}, '/')
  t.match(await old.closed, { code: 4000 })
})

t.test('the native listener answers the original’s health check', async (t) => {
  const { port } = await buildNative(t)
  const response = await fetch(`${urlOf(port)}/health`)
  t.equal(response.status, 200)
  t.equal(await response.text(), '{"ok":true}')
})

for (const path of [
  '/', '/ready', '/tom', '/tom/health', '/tom/peers', '/id', '/peers', '/peerjs/id', '/openapi.json', '/health/more', '/%', '//'
]) {
  t.test(`GET ${path} on the native listener is not found`, async (t) => {
    const { port } = await buildNative(t, { ALLOW_DISCOVERY: 'true' })
    const response = await fetch(`${urlOf(port)}${path}`)
    t.equal(response.status, 404)
    t.equal(await response.text(), '{"error":"not found"}')
  })
}

t.test('another method on the native listener is not found', async (t) => {
  const { port } = await buildNative(t)
  for (const path of ['/', '/health']) {
    const response = await fetch(`${urlOf(port)}${path}`, { method: 'POST', body: '{}' })
    t.equal(response.status, 404)
    t.equal(await response.text(), '{"error":"not found"}')
  }
})
