import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { build, connect, type Env, refusal, urlOf } from '../helper.js'

const native = 'peerjs:0,rooms:0,psync:0,drone:0,tom:0'

async function buildNative (t: Test, env: Env = {}) {
  const app = await build(t, { NATIVE_PORTS: native, ...env })
  const [peerjs = 0, rooms = 0, psync = 0, drone = 0, tom = 0] = app.nativePorts
  return { app, ports: { peerjs, rooms, psync, drone, tom } }
}

t.test('each dialect is spoken at its original paths on its own port', async (t) => {
  const { ports } = await buildNative(t)
  const peerjs = await connect(t, ports.peerjs, '/peerjs?key=peerjs&id=a&token=b')
  t.same(await peerjs.next(), { type: 'OPEN' })
  for (const [port, path, frame, answer] of [
    [ports.rooms, '/', { type: 'create' }, { type: 'room_created' }],
    [ports.psync, '/ws', { type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } }, { type: 'peer_list' }],
    [ports.psync, '/ws/', { type: 'register', source_id: 'b', payload: { peer_id: 'b', group_id: 'g' } }, { type: 'peer_list' }],
    [ports.drone, '/', { type: 'register', id: 'a' }, { type: 'registered' }],
    [ports.tom, '/', { type: 'register', nodeId: 'a', username: 'A' }, { type: 'participants' }]
  ] as const) {
    const client = await connect(t, port, path)
    client.send(frame)
    t.match(await client.next(), answer, `${path} on ${port}`)
  }
})

t.test('and it alone: another dialect’s frames are its errors there', async (t) => {
  const { ports } = await buildNative(t)
  const client = await connect(t, ports.tom, '/')
  client.send({ type: 'create' })
  t.same(await client.next(), { type: 'error', error: 'unknown message type' })
})

t.test('the REST endpoints of the original are there, and nothing else', async (t) => {
  const { ports } = await buildNative(t)
  const get = async (port: number, path: string) => await fetch(urlOf(port) + path)

  t.same(await (await get(ports.tom, '/health')).json(), { ok: true })
  t.match(await (await get(ports.drone, '/health')).json(), { status: 'healthy' })
  t.equal((await (await get(ports.psync, '/health')).text()).trim(), 'OK')
  t.match(await (await get(ports.peerjs, '/')).json(), { name: 'PeerJS Server' })
  t.match(await (await get(ports.peerjs, '/peerjs/id')).text(), /^[0-9a-f-]{36}$/)
  t.equal((await get(ports.peerjs, '/peerjs/peers')).status, 401)
  t.equal((await get(ports.peerjs, '/wrong/id')).status, 401)
  t.equal((await get(ports.peerjs, '/tom/id')).status, 401, 'a dialect’s name is only a wrong key here')

  const nowhere = ['/nope', '/ready', '/tom', '/tom/health', '/rooms/health', '/openapi.json', '/psync/ws']
  for (const port of [ports.tom, ports.rooms, ports.psync, ports.drone]) {
    for (const path of ['/', '/drone/id', ...nowhere]) {
      const response = await get(port, path)
      t.equal(response.status, 404, path)
      t.same(await response.json(), { error: 'not found' })
    }
  }
  for (const path of nowhere) t.equal((await get(ports.peerjs, path)).status, 404, path)
})

t.test('an upgrade where the original has no socket is a 404', async (t) => {
  const { ports } = await buildNative(t)
  for (const [port, path] of [
    [ports.psync, '/'], [ports.psync, '/tom'], [ports.psync, '/psync/ws'],
    [ports.peerjs, '/'], [ports.peerjs, '/tom'], [ports.peerjs, '/ws'], [ports.peerjs, '/peerjs/id']
  ] as const) t.equal((await refusal(t, port, path)).status, 404, path)
})

t.test('peers on a native port and on the main one see each other', async (t) => {
  const { app, ports } = await buildNative(t)
  const [there, here] = [await connect(t, ports.tom, '/'), await connect(t, app, '/tom')]
  there.send({ type: 'register', nodeId: 'a', username: 'A' })
  await there.nextOf('participants')
  here.send({ type: 'register', nodeId: 'b', username: 'B' })
  await here.nextOf('participants')
  here.send({ type: 'signal', from: 'b', to: 'a', payload: 1 })
  t.match(await there.nextOf('signal'), { payload: 1 })
  there.send({ type: 'signal', from: 'a', to: 'b', payload: 2 })
  t.match(await here.nextOf('signal'), { payload: 2 })

  const caller = await connect(t, ports.peerjs, '/peerjs?key=peerjs&id=a&token=t')
  const callee = await connect(t, app, '/peerjs?key=peerjs&id=b&token=t')
  await caller.nextOf('OPEN')
  await callee.nextOf('OPEN')
  caller.send({ type: 'OFFER', dst: 'b', payload: 'sdp' })
  t.same(await callee.next(), { type: 'OFFER', src: 'a', dst: 'b', payload: 'sdp' })
})

t.test('PEERJS_PATH and PEERJS_KEY hold on the native port too', async (t) => {
  const { ports } = await buildNative(t, { PEERJS_PATH: '/myapp', PEERJS_KEY: 'one,two' })
  t.match(await (await fetch(`${urlOf(ports.peerjs)}/myapp/`)).json(), { name: 'PeerJS Server' })
  t.match(await (await fetch(`${urlOf(ports.peerjs)}/myapp/one/id`)).text(), /^[0-9a-f-]{36}$/)
  t.equal((await fetch(`${urlOf(ports.peerjs)}/myapp/peerjs/id`)).status, 401)
  t.equal((await fetch(`${urlOf(ports.peerjs)}/one/id`)).status, 404)
  const client = await connect(t, ports.peerjs, '/myapp/peerjs?key=two&id=a&token=b')
  t.same(await client.next(), { type: 'OPEN' })
  t.equal((await refusal(t, ports.peerjs, '/peerjs?key=two&id=a&token=b')).status, 404)
})

t.test('who is let in is decided on a native port as on the main one', async (t) => {
  const { app, ports } = await buildNative(t, { ALLOWED_ORIGINS: 'https://example.com', CONNECT_RATE: '2' })
  t.equal((await refusal(t, ports.tom, '/', { origin: 'https://evil.test' })).status, 403)
  await connect(t, ports.tom, '/', { origin: 'https://example.com' })
  await connect(t, app, '/tom')
  t.equal((await refusal(t, ports.drone, '/')).status, 429, 'and counted together')
  const drained = app.signalbox.connections.drain(0)
  t.equal((await refusal(t, ports.tom, '/')).status, 503)
  await drained
})

t.test('one dialect may have several native ports', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'tom:0,tom:0' })
  const [one = 0, other = 0] = app.nativePorts
  t.not(one, other)
  for (const port of [one, other]) t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)
})

t.test('a native port in use stops the start, and frees those that were opened', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const app = createService(readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', NATIVE_PORTS: `tom:0,drone:${port}` }, []))
  await t.rejects(app.listen({ port: 0, host: '127.0.0.1' }), { code: 'EADDRINUSE', message: new RegExp(String(port)) })
  const [opened = 0] = app.nativePorts
  await app.close()
  await t.rejects(fetch(`${urlOf(opened)}/health`))
})

t.test('the native ports close with the app', async (t) => {
  const { app, ports } = await buildNative(t)
  const client = await connect(t, ports.tom, '/')
  await app.close()
  t.equal((await client.closed).code, 1001)
  await t.rejects(fetch(`${urlOf(ports.tom)}/health`))
})
