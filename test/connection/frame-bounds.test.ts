import t, { type Test } from 'tap'
import { build, type Client, connect } from '../helper.js'

async function inOneRoom (t: Test): Promise<[Client, Client]> {
  const app = await build(t)
  const [alice, bob] = [await connect(t, app, '/rooms'), await connect(t, app, '/rooms')]
  alice.send({ type: 'create' })
  const { roomId } = await alice.nextOf('room_created')
  bob.send({ type: 'join', roomId })
  await bob.nextOf('room_joined')
  return [alice, bob]
}

const nested = (depth: number) => `{"type":"signal","payload":${'['.repeat(depth)}${']'.repeat(depth)}}`

t.test('a frame is nested 64 deep at most, itself included', async (t) => {
  const [alice, bob] = await inOneRoom(t)
  for (const depth of [64, 1000, 100_000]) {
    alice.send(nested(depth))
    t.same(await alice.next(), { type: 'error', message: 'Invalid JSON' }, `${depth} in the frame`)
  }
  alice.send(`{"type":"signal","payload":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}`)
  t.same(await alice.next(), { type: 'error', message: 'Invalid JSON' }, 'objects as well')
  alice.send(nested(63))
  t.match(await bob.next(), { type: 'signal', payload: JSON.parse('['.repeat(63) + ']'.repeat(63)) })
})

t.test('a frame has 4096 members and elements at most, at all levels', async (t) => {
  const [alice, bob] = await inOneRoom(t)
  const listOf = (count: number) => Array.from({ length: count }, () => 0)
  // Of two members and a list, which begins with one that no comma stands before.
  alice.send({ type: 'signal', payload: listOf(4096) })
  t.match(await bob.next(), { type: 'signal', payload: listOf(4096) })
  for (const payload of [
    listOf(4097),
    Object.fromEntries(listOf(4097).map((_, at) => [at, 0])),
    [listOf(3000), listOf(3000)],
    ','.repeat(5000)
  ]) {
    alice.send({ type: 'signal', payload })
    const isText = typeof payload === 'string'
    t.match(await (isText ? bob : alice).next(), isText ? { payload } : { message: 'Invalid JSON' })
  }
})
