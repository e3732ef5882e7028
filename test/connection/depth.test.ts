import t from 'tap'
import { build, connect } from '../helper.js'

t.test('a payload nested too deep to be relayed is the error of its frame', async (t) => {
  const app = await build(t)
  const alice = await connect(t, app, '/rooms')
  alice.send({ type: 'create' })
  await alice.nextOf('room_created')
  alice.send(`{"type":"signal","payload":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
  t.same(await alice.next(), { type: 'error', message: 'Invalid JSON' })
  alice.send({ type: 'signal' })
  t.same(await alice.next(), { type: 'error', message: 'Missing payload' }, 'and the socket stays open')
})
