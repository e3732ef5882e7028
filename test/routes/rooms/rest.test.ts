import t from 'tap'
import { buildOnly, connect, urlOf } from '../../helper.js'
import { creator, join, joiner } from './members.js'

const build = buildOnly('rooms')

t.test('GET /rooms/health says ok', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/rooms/health`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.equal(await response.text(), '{"status":"ok"}')
})

t.test('GET /rooms/id answers a fresh id as text', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/rooms/id`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain/)
  const id = await response.text()
  t.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.not(await (await fetch(`${urlOf(app)}/rooms/id`)).text(), id)
})

t.test('GET /rooms/peers is off by default, with and without a room', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  for (const query of ['', `?room=${roomId}`]) {
    const response = await fetch(`${urlOf(app)}/rooms/peers${query}`)
    t.equal(response.status, 401)
    t.same(await response.json(), { error: 'Unauthorized' })
  }
})

t.test('GET /rooms/peers lists the members of a room, or of all rooms, with ALLOW_DISCOVERY', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const peers = async (query = '') => await (await fetch(`${urlOf(app)}/rooms/peers${query}`)).json()
  t.same(await peers(), [])
  await connect(t, app, '/rooms')
  t.same(await peers(), [], 'who is in no room is not listed')
  const alice = await creator(t, app)
  const bob = await joiner(t, app, alice.roomId)
  const carol = await creator(t, app)
  t.same(await peers(`?room=${alice.roomId}`), [alice.myId, bob.myId])
  t.same(await peers(`?room=${carol.roomId}`), [carol.myId])
  t.same(await peers('?room=none'), [])
  t.same(await peers('?room='), [])
  t.same(new Set(await peers()), new Set([alice.myId, bob.myId, carol.myId]))
  await join(bob.client, carol.roomId)
  t.same(await peers(`?room=${alice.roomId}`), [alice.myId])
  t.same(await peers(`?room=${carol.roomId}`), [carol.myId, bob.myId])
})

t.test('a plain GET of the socket’s path is not found', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/rooms`)
  t.equal(response.status, 404)
  t.same(await response.json(), { error: 'not found' })
})

t.test('a trailing slash on the socket’s path is accepted', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await connect(t, app, '/rooms/')
  t.match(await join(client, roomId), { roomId })
})

t.test('clients of the original’s own port and those of /rooms share their rooms', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'rooms:0' })
  const alice = await creator(t, app)
  const [port = 0] = app.nativePorts
  const bob = await join(await connect(t, port, '/'), alice.roomId)
  bob.client.send({ type: 'signal', payload: 1 })
  t.same(await alice.client.next(), { type: 'signal', senderId: bob.myId, payload: 1 })
  t.equal((await fetch(`${urlOf(port)}/rooms/peers`)).status, 404)
})
