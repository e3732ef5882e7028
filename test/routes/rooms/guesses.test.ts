import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildOnly, type Client, connect, totals, until } from '../../helper.js'
import { create, creator, error, hears, heard, joiner, tryJoin } from './members.js'

const build = buildOnly('rooms')

const allowed = 10

async function guesser (t: Test, app: FastifyInstance, failures: number): Promise<Client> {
  const client = await connect(t, app, '/rooms', { localAddress: '127.0.0.2' })
  for (let failure = 0; failure < failures; failure++) {
    t.same(await tryJoin(client, 'none'), error('Room not found'))
  }
  return client
}

t.test('ten failed joins still let a good one through', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await guesser(t, app, allowed)
  t.match(await tryJoin(client, roomId), { type: 'room_joined', roomId })
})

t.test('the eleventh failed join from an address is refused, and so is every join after it, existing rooms included', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await guesser(t, app, allowed)
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
  t.same(await tryJoin(client, roomId), error('Too many attempts'))
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
})

t.test('failed joins count for the address, over all its sockets', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  for (let failure = 0; failure < allowed; failure++) {
    const client = await guesser(t, app, 1)
    await client.close()
  }
  const late = await guesser(t, app, 0)
  t.same(await tryJoin(late, 'none'), error('Too many attempts'))
  t.same(await tryJoin(await guesser(t, app, 0), roomId), error('Too many attempts'))
})

t.test('joins that succeed do not count', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await guesser(t, app, 0)
  for (let joins = 0; joins < 2 * allowed; joins++) t.match(await tryJoin(client, roomId), { type: 'room_joined' })
  for (let failure = 0; failure < allowed; failure++) t.same(await tryJoin(client, 'none'), error('Room not found'))
})

t.test('other addresses are not affected', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const client = await guesser(t, app, allowed)
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
  const other = await connect(t, app, '/rooms', { localAddress: '127.0.0.3' })
  t.same(await tryJoin(other, 'none'), error('Room not found'))
  t.match(await tryJoin(other, roomId), { type: 'room_joined' })
})

t.test('behind a trusted proxy the address is the one that it reports', async (t) => {
  const app = await build(t, { TRUST_PROXY: '127.0.0.1' })
  const { roomId } = await creator(t, app)
  const from = async (address: string) => await connect(t, app, '/rooms', { headers: { 'x-forwarded-for': address } })
  const client = await from('192.0.2.1')
  for (let failure = 0; failure < allowed; failure++) t.same(await tryJoin(client, 'none'), error('Room not found'))
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
  t.same(await tryJoin(await from('192.0.2.1'), roomId), error('Too many attempts'))
  t.match(await tryJoin(await from('192.0.2.2'), roomId), { type: 'room_joined' })
})

t.test('an address that a client makes up does not count', async (t) => {
  const app = await build(t)
  for (let failure = 0; failure < allowed; failure++) {
    const client = await connect(t, app, '/rooms', { headers: { 'x-forwarded-for': `192.0.2.${failure}` } })
    t.same(await tryJoin(client, 'none'), error('Room not found'))
  }
  t.same(
    await tryJoin(await connect(t, app, '/rooms', { headers: { 'x-forwarded-for': '192.0.2.99' } }), 'none'),
    error('Too many attempts')
  )
})

t.test('who is barred may still create, and keeps the room it is in', async (t) => {
  const app = await build(t)
  const client = await guesser(t, app, allowed)
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
  const room = await create(client)
  t.same(await tryJoin(client, room.roomId), error('Too many attempts'))
  const friend = await joiner(t, app, room.roomId)
  t.same(await hears(room, friend), heard(friend))
})

t.test('as many joins may fail as the address has members in rooms, if that is more than ten', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const members = []
  for (let member = 0; member < 15; member++) {
    const client = await guesser(t, app, 0)
    t.match(await tryJoin(client, roomId), { type: 'room_joined' })
    members.push(client)
  }
  await members[0]?.close()
  await until(() => totals(app).sockets === members.length)
  const client = await guesser(t, app, members.length - 1)
  t.same(await tryJoin(client, 'none'), error('Too many attempts'))
})

t.test('a full room is no failure', async (t) => {
  const app = await build(t, { ROOM_MAX_CLIENTS: '1' })
  const { roomId } = await creator(t, app)
  const client = await guesser(t, app, 0)
  for (let joins = 0; joins < 2 * allowed; joins++) t.same(await tryJoin(client, roomId), error('Room is full'))
})
