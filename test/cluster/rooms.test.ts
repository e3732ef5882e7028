import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect, urlOf } from '../helper.js'
import { eventually, nodesOn } from './nodes.js'

async function create (t: Test, app: FastifyInstance | undefined): Promise<{ client: Client, roomId: string }> {
  const client = await connect(t, app as FastifyInstance, '/rooms')
  client.send({ type: 'create' })
  return { client, roomId: String((await client.nextOf('room_created')).roomId) }
}

async function join (t: Test, app: FastifyInstance | undefined, roomId: string): Promise<Client> {
  const client = await connect(t, app as FastifyInstance, '/rooms')
  client.send({ type: 'join', roomId })
  return client
}

t.test('a room that is not used expires for its members on all nodes, and its id is free again', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2, { ROOM_TIMEOUT_MS: '1000' })
  const { client, roomId } = await create(t, one)
  const guest = await join(t, other, roomId)
  await guest.nextOf('room_joined')
  t.equal((await client.closed).code, 4001)
  t.equal((await guest.closed).code, 4001)
  const late = await join(t, one, roomId)
  t.match(await late.next(), { type: 'error', message: 'Room not found' })
  await eventually(async () => (await redis.client.keys(`*rooms/${roomId}*`)).length === 0)
})

t.test('a signal on one node keeps the room open on the other', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { ROOM_TIMEOUT_MS: '1000' })
  const { client, roomId } = await create(t, one)
  const guest = await join(t, other, roomId)
  await guest.nextOf('room_joined')
  const startedAt = performance.now()
  // More often than necessary.
  const beat = setInterval(() => client.send({ type: 'signal', payload: 0 }), 300)
  t.teardown(() => clearInterval(beat))
  while (performance.now() - startedAt < 2_000) await guest.nextOf('signal')
  clearInterval(beat)
  t.equal((await guest.closed).code, 4001)
})

t.test('ROOM_MAX_CLIENTS counts the members on all nodes', async (t) => {
  const { apps } = await nodesOn(t, 2, { ROOM_MAX_CLIENTS: '4' })
  const { roomId } = await create(t, apps[0])
  const guests = await Promise.all(Array.from({ length: 9 }, async (_, at) => await join(t, apps[at % 2], roomId)))
  const answers = await Promise.all(guests.map(async (guest) => (await guest.next()).type))
  t.equal(answers.filter((type) => type === 'room_joined').length, 3)
})

t.test('the last member may come back on another node, and an empty room goes', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2, { ROOM_EMPTY_TTL_MS: '500' })
  const { client, roomId } = await create(t, one)
  await client.close()
  const back = await join(t, other, roomId)
  t.match(await back.next(), { type: 'room_joined', roomId })
  await back.close()
  await eventually(async () => (await redis.client.keys(`*rooms/${roomId}*`)).length === 0)
  t.match(await (await join(t, one, roomId)).next(), { message: 'Room not found' })
})

t.test('room ids are unique over all nodes, and run out for all of them', async (t) => {
  const { apps } = await nodesOn(t, 2, { ROOM_ID_DIGITS: '1' })
  const clients = await Promise.all(Array.from(
    { length: 10 },
    async (_, at) => await connect(t, apps[at % 2] as FastifyInstance, '/rooms')
  ))
  for (const client of clients) client.send({ type: 'create' })
  const answers = await Promise.all(clients.map(async (client) => await client.next()))
  t.same(answers.flatMap(({ roomId }) => roomId ?? []).sort(), ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  t.match(answers.find(({ type }) => type === 'error'), { message: 'No room available' })
})

t.test('/rooms/peers lists the members on all nodes', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { ALLOW_DISCOVERY: 'true' })
  const { roomId } = await create(t, one)
  await (await join(t, other, roomId)).nextOf('room_joined')
  await create(t, other)
  for (const app of [one, other]) {
    const peers = async (query: string) => await (await fetch(`${urlOf(app as FastifyInstance)}/rooms/peers${query}`)).json() as string[]
    t.equal((await peers(`?room=${roomId}`)).length, 2)
    t.equal((await peers('')).length, 3)
  }
})
