import t from 'tap'
import { buildOnly, connect, urlOf } from '../../helper.js'
import { join, pathOf, received } from './join.js'

const build = buildOnly('peerjs')

const twoKeys = { PEERJS_KEY: 'red, blue', ALLOW_DISCOVERY: 'true' }

t.test('a wrong key is 401 on GET /<key>/id and /<key>/peers, with discovery on too', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  for (const path of ['/wrong/id', '/wrong/peers', '/PeerJS/id', '/__proto__/id', '/constructor/peers']) {
    t.equal((await fetch(urlOf(app) + path)).status, 401, path)
  }
})

t.test('with PEERJS_KEY other than peerjs, GET /peerjs/id and /peerjs/peers are a wrong key', async (t) => {
  const app = await build(t, { PEERJS_KEY: 'secret', ALLOW_DISCOVERY: 'true' })
  t.equal((await fetch(`${urlOf(app)}/peerjs/id`)).status, 401)
  t.equal((await fetch(`${urlOf(app)}/peerjs/peers`)).status, 401)
  t.equal((await fetch(`${urlOf(app)}/secret/id`)).status, 200)
  t.equal((await fetch(`${urlOf(app)}/secret/peers`)).status, 200)
})

t.test('a wrong key on the socket is told and closed with 1008', async (t) => {
  const app = await build(t, { PEERJS_KEY: 'secret' })
  const client = await connect(t, app, pathOf('alice'))
  t.same(await client.next(), { type: 'ERROR', payload: { msg: 'Invalid key provided' } })
  t.equal((await client.closed).code, 1008)
})

t.test('PEERJS_KEY may list several keys', async (t) => {
  const app = await build(t, twoKeys)
  await join(t, app, 'alice', { key: 'red' })
  await join(t, app, 'bob', { key: 'blue' })
  t.equal((await fetch(`${urlOf(app)}/red/id`)).status, 200)
  t.equal((await fetch(`${urlOf(app)}/blue/id`)).status, 200)
})

t.test('an id may be connected once within each key', async (t) => {
  const app = await build(t, twoKeys)
  const red = await join(t, app, 'alice', { key: 'red', token: '1' })
  await join(t, app, 'alice', { key: 'blue', token: '2' })
  t.same(await received(red, 'alice'), [], 'the first one is still there')
})

t.test('a peer is listed under its own key only', async (t) => {
  const app = await build(t, twoKeys)
  await join(t, app, 'alice', { key: 'red' })
  await join(t, app, 'bob', { key: 'blue' })
  t.same(await (await fetch(`${urlOf(app)}/red/peers`)).json(), ['alice'])
  t.same(await (await fetch(`${urlOf(app)}/blue/peers`)).json(), ['bob'])
})

t.test('a signal reaches nobody under another key, neither present nor to come', async (t) => {
  const app = await build(t, twoKeys)
  const alice = await join(t, app, 'alice', { key: 'red' })
  const blueBob = await join(t, app, 'bob', { key: 'blue' })
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'for red bob' })
  alice.send({ type: 'OFFER', dst: 'carol', payload: 'for red carol' })
  t.same(await received(alice, 'alice'), [])
  t.same(await received(blueBob, 'bob'), [])
  const blueCarol = await join(t, app, 'carol', { key: 'blue' })
  t.same(await received(blueCarol, 'carol'), [])

  const redBob = await join(t, app, 'bob', { key: 'red' })
  t.same(await redBob.next(), { type: 'OFFER', src: 'alice', dst: 'bob', payload: 'for red bob' })
})
