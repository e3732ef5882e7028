import t from 'tap'
import { build, connect, type Frame } from '../helper.js'

const unknown = { type: 'error', error: 'unknown dialect', message: 'unknown dialect' }

const dialects: Record<string, [first: Frame, answer: Frame]> = {
  rooms: [{ type: 'create' }, { type: 'room_created' }],
  tom: [{ type: 'register', nodeId: 'n', username: 'N' }, { type: 'participants' }],
  psync: [{ type: 'register', payload: { peer_id: 'a', group_id: 'g' } }, { type: 'peer_list' }],
  drone: [{ type: 'register', id: 'd' }, { type: 'registered', id: 'd' }]
}

for (const [dialect, [first, answer]] of Object.entries(dialects)) {
  t.test(`a client of ${dialect} that pings before its first frame is one of ${dialect}`, async (t) => {
    const app = await build(t)
    const client = await connect(t, app, '/')
    for (let pings = 0; pings < 5; pings++) {
      client.send({ type: 'ping' })
      t.match(await client.next(), { type: 'pong', timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
      client.send(pings % 2 === 0 ? 'ping' : Buffer.from('ping\n'))
      t.same(await client.next(), unknown)
    }
    client.send(first)
    t.match(await client.next(), answer)
  })
}

t.test('pings neither count as frames that fit no dialect nor take them back', async (t) => {
  const app = await build(t)
  const client = await connect(t, app, '/')
  for (const frame of ['{', { type: 'ping' }, { type: 'nonsense' }, 'ping', { type: 'ping', time: 1 }, 'null']) client.send(frame)
  const answers = []
  for (let answer = 0; answer < 6; answer++) answers.push((await client.next()).type)
  t.same(answers, ['error', 'pong', 'error', 'error', 'pong', 'error'])
  t.equal((await client.closed).code, 1008)
})

t.test('a ping is answered wherever drone is not spoken, and what else a frame says decides', async (t) => {
  const app = await build(t, { DIALECTS: 'rooms,psync' })
  const client = await connect(t, app, '/')
  client.send({ type: 'ping' })
  t.match(await client.next(), { type: 'pong' })
  client.send({ type: 'ping', source_id: 'a' })
  t.same(await client.next(), { type: 'error', payload: { message: 'unknown message type' } }, 'this is a frame of psync')
})
