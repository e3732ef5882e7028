import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { type Client, connect, until } from '../helper.js'
import { creator, error, joiner, tryJoin } from '../routes/rooms/members.js'
import { everywhere } from './places.js'

const env = { CONNECT_RATE: '1000000', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }

async function attacker (t: Test, app: FastifyInstance): Promise<Client> {
  return await connect(t, app, '/rooms', { localAddress: '127.0.0.66' })
}

everywhere(t, 'rooms that sockets open and leave empty hold few of the codes', { ...env, ROOM_ID_DIGITS: '2' }, async (t, one, other) => {
  const { client: owner, roomId } = await creator(t, one)
  await owner.close()
  for (let socket = 0; socket < 12; socket++) {
    const mallory = await attacker(t, socket % 2 === 0 ? one : other)
    for (let room = 0; room < 16; room++) mallory.send({ type: 'create' })
    // Each of them finds one, although there are 90 codes and this is for the 192nd time.
    for (let room = 0; room < 16; room++) t.match(await mallory.next(), { type: 'room_created' })
    await mallory.close()
  }
  const codes = new Set<string>()
  for (let room = 0; room < 60; room++) codes.add((await creator(t, room % 2 === 0 ? one : other)).roomId)
  t.equal(codes.size, 60, 'whoever else comes finds a room')
  t.equal((await joiner(t, other, roomId)).roomId, roomId, 'and the room that somebody else left is still there to come back to')
})

/** How many commands Redis has run, those of scripts included. */
async function commands (client: Redis): Promise<number> {
  const stats = await client.info('commandstats')
  return [...stats.matchAll(/^cmdstat_(?!info|ping|zadd|zscore)[^:]+:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}

/** Takes all codes but those. */
async function take (client: Redis, isFree: (code: number) => boolean): Promise<void> {
  const pipeline = client.pipeline()
  for (let code = 1000; code < 10_000; code++) {
    const key = `{sb:0}:opened:rooms/${code}`
    if (isFree(code)) pipeline.del(key)
    else pipeline.set(key, '300000\n60000\nother\n32\nsomebody')
  }
  await pipeline.exec()
}

t.test('create asks Redis for a bounded number of codes, and finds one of few', async (t) => {
  const { redis: { client }, apps: [app] } = await nodesOn(t, 1, env)
  await take(client, () => false)
  const socket = await connect(t, app as FastifyInstance, '/rooms')
  const before = await commands(client)
  socket.send({ type: 'create' })
  t.same(await socket.next(), error('No room available'))
  const searched = await commands(client) - before
  t.ok(searched > 400 && searched < 600, `${searched} commands`)
  for (let again = 0; again < 10; again++) {
    socket.send({ type: 'create' })
    t.same(await socket.next(), error('No room available'))
  }
  t.ok(await commands(client) - before < searched * 4, 'and not again and again, when there is nothing')

  await take(client, (code) => code % 20 === 0)
  // A node that has just searched in vain searches less far for a quarter of a second.
  const rested = performance.now() + 300
  await until(() => performance.now() > rested)
  for (let honest = 0; honest < 20; honest++) {
    const { roomId } = await creator(t, app as FastifyInstance)
    t.ok(Number(roomId) % 20 === 0, `one free code in twenty is found: ${roomId}`)
  }
  t.match(await tryJoin(socket, '1001'), { type: 'room_joined' })
})
