import t from 'tap'
import { build, connect } from '../helper.js'

const nested = (depth: number) => `{"type":"signal","payload":${'['.repeat(depth)}${']'.repeat(depth)}}`

t.test('a frame is nested 64 deep at most, itself included', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await connect(t, app, '/rooms'), await connect(t, app, '/rooms')]
  alice.send({ type: 'create' })
  const { roomId } = await alice.nextOf('room_created')
  bob.send({ type: 'join', roomId })
  await bob.nextOf('room_joined')
  for (const depth of [64, 1000, 100_000]) {
    alice.send(nested(depth))
    t.same(await alice.next(), { type: 'error', message: 'Invalid JSON' }, `${depth} in the frame`)
  }
  alice.send(`{"type":"signal","payload":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}`)
  t.same(await alice.next(), { type: 'error', message: 'Invalid JSON' }, 'objects as well')
  alice.send(nested(63))
  t.match(await bob.next(), { type: 'signal', payload: JSON.parse('['.repeat(63) + ']'.repeat(63)) })
})
