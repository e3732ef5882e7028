import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect, type Frame, urlOf } from '../helper.js'
import { eventually, nodesOn, tomPeer } from './nodes.js'

async function member (t: Test, app: FastifyInstance | undefined, id: string, group = 'g'): Promise<Client> {
  const client = await connect(t, app as FastifyInstance, '/psync/ws')
  client.send({ type: 'register', source_id: id, payload: { peer_id: id, group_id: group } })
  return client
}

const idsOf = ({ payload }: Frame) => (payload as { peers: Array<{ id: string }> }).peers.map(({ id }) => id).sort()

t.test('lists and /peers hold the peers of all nodes', async (t) => {
  const { apps } = await nodesOn(t, 3, { ALLOW_DISCOVERY: 'true' })
  const first = await tomPeer(t, apps[0] as FastifyInstance, 't0')
  for (const at of [1, 2]) await tomPeer(t, apps[at] as FastifyInstance, `t${at}`)
  await first.nextThat(({ participants }) => (participants as unknown[] | undefined)?.length === 3)
  for (const [at, app] of apps.entries()) {
    const drone = await connect(t, app, '/drone')
    drone.send({ type: 'register', id: `d${at}` })
    await drone.nextOf('registered')
    drone.send({ type: 'list' })
    t.match(await drone.nextOf('clients'), { count: at })
  }
  for (const [at, app] of apps.entries()) {
    const peer = await member(t, app, `p${at}`)
    t.same(idsOf(await peer.nextOf('peer_list')), ['p0', 'p1'].slice(0, at))
    const peerjs = await connect(t, app, `/peerjs?key=peerjs&id=j${at}&token=t`)
    await peerjs.nextOf('OPEN')
  }
  for (const app of apps) {
    const peers = async (path: string) => (await (await fetch(urlOf(app) + path)).json() as string[]).sort()
    t.same(await peers('/tom/peers'), ['t0', 't1', 't2'])
    t.same(await peers('/drone/peers'), ['d0', 'd1', 'd2'])
    t.same(await peers('/psync/peers'), ['p0', 'p1', 'p2'])
    t.same(await peers('/psync/peers?group=g'), ['p0', 'p1', 'p2'])
    t.same(await peers('/peerjs/peers'), ['j0', 'j1', 'j2'])
  }
})

t.test('of two peers that register at once on two nodes each has the other in its list or hears of it, once', async (t) => {
  const { apps } = await nodesOn(t, 2)
  for (let round = 0; round < 20; round++) {
    const group = `g${round}`
    const clients = await Promise.all(Array.from({ length: 8 }, async (_, at) => await member(t, apps[at % 2], `p${at}`, group)))
    const heard = clients.map(() => [] as string[])
    for (const [at, client] of clients.entries()) {
      while (heard[at]?.length !== clients.length - 1) {
        const frame = await client.next()
        if (frame.type === 'peer_list') heard[at]?.push(...idsOf(frame))
        if (frame.type === 'peer_joined') heard[at]?.push((frame.payload as { peer: { id: string } }).peer.id)
      }
    }
    t.ok(heard.every((ids) => new Set(ids).size === clients.length - 1), 'each of the others')
    t.same(clients.flatMap((client) => client.taken()), [], 'and nobody twice')
    await Promise.all(clients.map(async (client) => await client.close()))
  }
})

t.test('a burst of joins and leaves on three nodes ends with one list for all', async (t) => {
  const { apps } = await nodesOn(t, 3)
  const witnesses = await Promise.all(apps.map(async (app, at) => await tomPeer(t, app, `w${at}`)))
  const clients = await Promise.all(Array.from({ length: 60 }, async (_, at) => await connect(t, apps[at % 3] as FastifyInstance, '/tom')))
  for (const [at, client] of clients.entries()) client.send({ type: 'register', nodeId: `n${at}`, username: 'n' })
  for (const client of clients.slice(0, 50)) client.socket.close()
  await Promise.all(clients.slice(0, 50).map(async ({ closed }) => await closed))
  const expected = ['w0', 'w1', 'w2', ...Array.from({ length: 10 }, (_, at) => `n${at + 50}`)].sort()
  await Promise.all(witnesses.map(async (witness) => {
    const idsIn = (participants: unknown) => (participants as Frame[] | undefined)?.map(({ nodeId }) => nodeId).sort()
    await witness.nextThat(({ participants }) => JSON.stringify(idsIn(participants)) === JSON.stringify(expected))
  }))
  t.pass()
})

t.test('nodes elsewhere hear of every leave of a node that drains, once', async (t) => {
  const { apps: [leaving, staying] } = await nodesOn(t, 2)
  const witness = await tomPeer(t, staying as FastifyInstance, 'witness')
  const ids = Array.from({ length: 10 }, (_, at) => `t${at}`)
  for (const id of ids) await tomPeer(t, leaving as FastifyInstance, id)
  // Lists from while it was not alone come first.
  await witness.nextThat(({ participants }) => (participants as unknown[] | undefined)?.length === 1 + ids.length)
  await leaving?.signalbox.connections.drain(500)
  const left = []
  for (let frame = await witness.next(); (frame.participants as unknown[] | undefined)?.length !== 1; frame = await witness.next()) {
    if (frame.action === 'leave') left.push(frame.nodeId)
  }
  t.same(left, ids)
})

t.test('a node subscribes for a room only while it has members in it, and has one channel for frames to its peers', async (t) => {
  const { redis: { client }, apps: [one, other] } = await nodesOn(t, 2)
  const channels = async (pattern: string) => (await client.pubsub('CHANNELS', pattern) as string[]).length
  const listeners = async (group: string) => {
    const [, count] = await client.pubsub('NUMSUB', `{sb:0}:room:psync/${group}`) as [string, number]
    return Number(count)
  }
  const here = await Promise.all(Array.from({ length: 30 }, async (_, at) => await member(t, one, `p${at}`)))
  for (const peer of here) await peer.nextOf('peer_list')
  t.equal(await listeners('g'), 1)
  const there = await member(t, other, 'q')
  await there.nextOf('peer_list')
  t.equal(await listeners('g'), 2)
  t.equal(await channels('*:node:*'), 2)
  t.equal(await channels('*:room:*'), 1)
  await there.close()
  await eventually(async () => await listeners('g') === 1)
  await Promise.all(here.map(async (peer) => await peer.close()))
  await eventually(async () => await channels('*:room:*') === 0)
})

t.test('last_seen of a peer on another node is right in the first list of a node that knew nothing of its group', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { NODE_LEASE_MS: '1000', HEARTBEAT_INTERVAL: '1000' })
  await (await member(t, one, 'a')).nextOf('peer_list')
  const joinedAt = Date.now()
  await eventually(async () => {
    const visitor = await member(t, other, 'b')
    const { payload } = await visitor.nextOf('peer_list')
    await visitor.close()
    return Date.parse((payload as { peers: Array<{ last_seen: string }> }).peers[0]?.last_seen ?? '') > joinedAt + 500
  })
  t.pass()
})
