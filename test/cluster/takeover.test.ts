import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { type Client, connect } from '../helper.js'
import { eventually, nodesOn, signal, tomPeer } from './nodes.js'

const rounds = 60

/** Two clients that register one id on two nodes at the same time. */
async function rivals (t: Test, apps: FastifyInstance[]): Promise<Client[]> {
  const both = await Promise.all(apps.slice(0, 2).map(async (app) => await connect(t, app, '/drone')))
  for (const client of both) client.send({ type: 'register', id: 'x' })
  return both
}

t.test('of two nodes that register one id at the same moment one keeps it, and the other is closed with 4000', async (t) => {
  const { apps, redis } = await nodesOn(t, 3)
  const caller = await connect(t, apps[2] as FastifyInstance, '/drone')
  caller.send({ type: 'register', id: 'caller' })
  await caller.nextOf('registered')
  for (let round = 0; round < rounds; round++) {
    const both = await rivals(t, apps)
    const { loser, code } = await Promise.race(both.map(async (client) => ({ loser: client, code: (await client.closed).code })))
    t.equal(code, 4000)
    const winner = both.find((client) => client !== loser) as Client
    await winner.nextOf('registered')
    caller.send({ type: 'offer', target: 'x', sdp: `${round}` })
    t.match(await winner.nextOf('offer'), { sdp: `${round}` })
    t.equal(await redis.client.hlen('{sb:0}:members:drone'), 2)
    await winner.close()
    await caller.nextThat(({ type, clients }) => type === 'client_list_update' && !(clients as string[]).includes('x'))
  }
})

t.test('with ID_TAKEOVER=reject one of the two registers and the other is refused', async (t) => {
  const { apps } = await nodesOn(t, 2, { ID_TAKEOVER: 'reject' })
  const witness = await connect(t, apps[0] as FastifyInstance, '/drone')
  witness.send({ type: 'register', id: 'witness' })
  for (let round = 0; round < rounds; round++) {
    const both = await rivals(t, apps)
    const answers = await Promise.all(both.map(async (client) => (await client.nextThat(({ type }) => type !== 'client_list_update')).type))
    t.same(answers.sort(), ['error', 'registered'])
    await Promise.all(both.map(async (client) => await client.close()))
    await witness.nextThat(({ type, clients }) => type === 'client_list_update' && !(clients as string[]).includes('x'))
  }
})

t.test('a connection that closes while its id is taken over on another node never takes its successor along', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2)
  const witness = await tomPeer(t, one as FastifyInstance, 'witness')
  let holder = await tomPeer(t, one as FastifyInstance, 'x')
  for (let round = 0; round < rounds; round++) {
    const successor = await connect(t, (round % 2 === 0 ? other : one) as FastifyInstance, '/tom')
    successor.send({ type: 'register', nodeId: 'x', username: `${round}` })
    await Promise.all([holder.close(), successor.nextOf('participants')])
    witness.send(signal('witness', 'x', round))
    t.match(await successor.nextOf('signal'), { payload: round })
    holder = successor
  }
  const last = await tomPeer(t, other as FastifyInstance, 'last')
  await witness.nextThat(({ type, nodeId }) => type === 'presence' && nodeId === 'last')
  t.equal(last.socket.readyState, last.socket.OPEN)
})

t.test('a takeover on another node is announced as a join, once on each node, and never as a leave', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2)
  const witnesses = [await tomPeer(t, one as FastifyInstance, 'w1'), await tomPeer(t, other as FastifyInstance, 'w2')]
  const first = await tomPeer(t, one as FastifyInstance, 'x')
  const second = await tomPeer(t, other as FastifyInstance, 'x')
  t.equal((await first.closed).code, 4000)
  const third = await tomPeer(t, one as FastifyInstance, 'x')
  t.equal((await second.closed).code, 4000)
  await third.close()
  for (const witness of witnesses) {
    const heard: unknown[] = []
    await witness.nextThat(({ type, action, nodeId }) => {
      if (type === 'presence' && nodeId === 'x') heard.push(action)
      return action === 'leave'
    })
    t.same(heard, ['join', 'join', 'join', 'leave'])
  }
})

t.test('many clients of one node that register one id at once leave one', async (t) => {
  const { apps: [app], redis } = await nodesOn(t, 2)
  const clients = await Promise.all(Array.from({ length: 20 }, async () => await connect(t, app as FastifyInstance, '/tom')))
  const startedAt = performance.now()
  for (const client of clients) client.send({ type: 'register', nodeId: 'x', username: 'x' })
  let closed = 0
  for (const client of clients) client.closed.then(() => { closed++ }, () => {})
  await eventually(() => closed === clients.length - 1)
  t.equal(await redis.client.hlen('{sb:0}:members:tom'), 1)
  t.ok(performance.now() - startedAt < 5_000, 'none of them waits for an event that went to another')
})
