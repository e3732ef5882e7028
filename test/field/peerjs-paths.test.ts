import t from 'tap'
import { build, connect, type Env, urlOf } from '../helper.js'
import { freePort } from '../../scripts/ports.js'
import { readConfig } from '../../src/settings.js'
import { join, pathOf, received } from '../routes/peerjs/join.js'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** What a GET is answered with. */
async function ask (url: string): Promise<{ status: number, text: string }> {
  const response = await fetch(url)
  return { status: response.status, text: await response.text() }
}

/** The main listener of a server, and its native one for PeerJS. */
async function listeners (t: Parameters<typeof build>[0], env: Env = {}): Promise<number[]> {
  const port = await freePort()
  const app = await build(t, { ALLOW_DISCOVERY: 'true', NATIVE_PORTS: `peerjs:${port}`, ...env })
  return [Number(new URL(urlOf(app)).port), port]
}

for (const PEERJS_PATH of ['myapp', '/myapp', 'myapp/', '/myapp/', '//myapp//']) {
  t.test(`PEERJS_PATH=${PEERJS_PATH} puts everything of PeerJS below /myapp`, async (t) => {
    t.equal(readConfig({ PEERJS_PATH }, []).PEERJS_PATH, '/myapp')
    for (const port of await listeners(t, { PEERJS_PATH })) {
      const url = `${urlOf(port)}/myapp`
      for (const banner of [url, `${url}/`]) t.match(await ask(banner), { status: 200, text: /"PeerJS Server"/ }, banner)
      for (const path of ['/peerjs/id', '/peerjs/id/']) t.match(await ask(url + path), { status: 200, text: uuid }, path)
      const alice = await join(t, port, `alice of ${port}`, { base: '/myapp' })
      t.same(await received(alice, `alice of ${port}`), [])
    }
  })
}

t.test('every REST path of PeerJS is taken with a trailing slash, on the native listener, too', async (t) => {
  const ports = await listeners(t, { PEERJS_KEY: 'peerjs,other' })
  const alice = await join(t, ports[0] as number, 'alice')
  for (const port of ports) {
    const url = urlOf(port)
    for (const key of ['peerjs', 'other']) t.match(await ask(`${url}/${key}/id/`), { status: 200, text: uuid }, key)
    t.match(await ask(`${url}/peerjs/id/?ts=17637558270.5`), { status: 200, text: uuid }, 'with a query')
    t.same(await ask(`${url}/peerjs/peers/`), { status: 200, text: '["alice"]' })
    t.same(await ask(`${url}/other/peers/`), { status: 200, text: '[]' })
    t.same(await ask(`${url}/peerjs/health/`), { status: 200, text: '{"status":"ok"}' })
    for (const path of ['/wrong/id/', '/wrong/peers/']) t.same(await ask(url + path), { status: 401, text: '{"error":"Unauthorized"}' })
    t.equal((await ask(`${url}/peerjs/id/more/`)).status, 404)
  }
  t.same(await received(alice, 'alice'), [])
})

t.test('a trailing slash opens nothing: discovery that is off stays off', async (t) => {
  for (const port of await listeners(t, { ALLOW_DISCOVERY: 'false' })) t.equal((await ask(`${urlOf(port)}/peerjs/peers/`)).status, 401)
})

t.test('another dialect keeps its paths with a trailing slash, too', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  for (const dialect of ['tom', 'rooms', 'psync', 'drone']) {
    t.match(await ask(`${urlOf(app)}/${dialect}/id/`), { status: 200, text: uuid }, dialect)
    t.same(await ask(`${urlOf(app)}/${dialect}/peers/`), { status: 200, text: '[]' }, dialect)
  }
})

t.test('a client that says {"ping":"once"} when it connects is let be, and its calls go through', async (t) => {
  const app = await build(t)
  const [robot, page] = [await connect(t, app, pathOf('robot')), await join(t, app, 'page')]
  robot.send('{"ping":"once"}')
  t.same(await robot.next(), { type: 'OPEN' })
  page.send({ type: 'OFFER', dst: 'robot', payload: { sdp: 'v=0' } })
  t.same(await robot.next(), { type: 'OFFER', src: 'page', dst: 'robot', payload: { sdp: 'v=0' } }, 'the first after OPEN')
  robot.send('{"ping":"once"}')
  robot.send({ type: 'ANSWER', dst: 'page', payload: { sdp: 'v=0' } })
  t.match(await page.nextOf('ANSWER'), { src: 'robot' })
  t.same(await received(robot, 'robot'), [])
})
