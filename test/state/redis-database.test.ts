import t from 'tap'
import { build, connect, type Frame } from '../helper.js'
import { startRedis } from '../redis.js'

t.test('two databases of one Redis are two exchanges', async (t) => {
  const { url } = await startRedis(t)
  const register = (nodeId: string) => ({ type: 'register', nodeId, username: nodeId })
  const [one, other] = [await build(t, { REDIS_URL: `${url}/1` }), await build(t, { REDIS_URL: `${url}/2` })]
  const [alice, bob] = [await connect(t, one, '/tom'), await connect(t, other, '/tom')]
  alice.send(register('alice'))
  await alice.nextOf('participants')
  bob.send(register('bob'))
  const { participants } = await bob.nextOf('participants')
  t.same((participants as Frame[]).map(({ nodeId }) => nodeId), ['bob'])
  bob.send({ type: 'signal', from: 'bob', to: 'alice', payload: 1 })
  t.match(await bob.next(), { type: 'error', error: 'peer not found' })
  const namesake = await connect(t, other, '/tom')
  namesake.send(register('alice'))
  await namesake.nextOf('participants')
  alice.send({ type: 'signal', from: 'alice', to: 'alice', payload: 'still here' })
  t.match(await alice.next(), { payload: 'still here' }, 'and heard of nobody')
})
