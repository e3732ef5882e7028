import t from 'tap'
import { build, connect } from '../helper.js'

t.test('a tom node registers and hears of the next one', async (t) => {
  const app = await build(t)
  const a = await connect(t, app, '/tom')
  a.send({ type: 'register', nodeId: 'a', username: 'A' })
  t.same(await a.next(), { type: 'participants', participants: [{ nodeId: 'a', username: 'A' }] })
})
