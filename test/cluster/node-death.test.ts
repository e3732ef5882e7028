import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { Client } from '../helper.js'
import { start } from '../process.js'
import { startRedis } from '../redis.js'
import { eventually, heardOf, isReady, listenTo, signal, tomPeer } from './nodes.js'

const leaseMs = 1_500

type Started = Awaited<ReturnType<typeof start>>

async function processes (t: Test): Promise<[Started, Started, Started]> {
  const { url } = await startRedis(t)
  const env = { REDIS_URL: url, NODE_LEASE_MS: String(leaseMs), CONNECT_RATE: '1000000' }
  const nodes = await Promise.all([start(t, env), start(t, env), start(t, env)] as const)
  for (const { port } of nodes) await eventually(async () => await isReady(port))
  return nodes
}

t.test('the peers of a node that is killed leave within two leases, announced once on each of the others', async (t) => {
  const [one, two, three] = await processes(t)
  const witnesses = [await tomPeer(t, one.port, 'w1'), await tomPeer(t, two.port, 'w2')]
  const ids = ['p0', 'p1', 'p2', 'p3', 'p4']
  for (const id of ids) await tomPeer(t, three.port, id)
  for (const witness of witnesses) await heardOf(witness, ids.at(-1) as string)
  const heard = witnesses.map(listenTo)
  three.child.kill('SIGKILL')
  await once(three.child, 'exit')
  const diedAt = performance.now()
  const leaves = ids.map((id) => `leave ${id}`)
  await eventually(() => heard.every((news) => leaves.every((leave) => news.includes(leave))))
  const ms = performance.now() - diedAt
  t.ok(ms < 2 * leaseMs, `${Math.round(ms)} ms`)
  witnesses[0]?.send(signal('w1', 'p0', 0))
  t.match(await (witnesses[0] as Client).nextOf('error'), { error: 'peer not found' })
  const last = await tomPeer(t, two.port, 'last')
  await eventually(() => heard.every((news) => news.includes('join last')))
  for (const news of heard) t.same(news.filter((what) => what !== 'join last').sort(), leaves, 'each once')
  t.equal(last.socket.readyState, last.socket.OPEN)
  for (const { child } of [one, two]) t.equal(child.exitCode, null)
})

t.test('a node that was paused for longer than its lease brings its peers back, but for ids that were taken over meanwhile', async (t) => {
  const [one, two, three] = await processes(t)
  const witness = await tomPeer(t, one.port, 'w')
  const stays = await tomPeer(t, three.port, 'stays')
  const replaced = await tomPeer(t, three.port, 'replaced')
  await heardOf(witness, 'replaced')
  const heard = listenTo(witness)
  three.child.kill('SIGSTOP')
  await eventually(() => heard.includes('leave stays') && heard.includes('leave replaced'))
  const successor = await tomPeer(t, two.port, 'replaced')
  three.child.kill('SIGCONT')
  t.equal((await replaced.closed).code, 4000)
  await eventually(() => heard.includes('join stays'))
  await eventually(async () => await isReady(three.port))
  witness.send(signal('w', 'stays', 1))
  witness.send(signal('w', 'replaced', 2))
  t.match(await stays.nextOf('signal'), { payload: 1 })
  t.match(await successor.nextOf('signal'), { payload: 2 })
  stays.send(signal('stays', 'w', 3))
  t.match(await witness.nextOf('signal'), { payload: 3 })
  await stays.close()
  await eventually(() => heard.filter((what) => what === 'leave stays').length === 2)
  t.same(heard.filter((what) => what.endsWith('stays')), ['leave stays', 'join stays', 'leave stays'])
  t.same(heard.filter((what) => what.endsWith('replaced')), ['leave replaced', 'join replaced'])
  t.match(three.output.stdout, /lease lost/)
})

t.test('a node that was paused for less than its lease goes on as if nothing had been', async (t) => {
  const [one, , three] = await processes(t) as [Awaited<ReturnType<typeof start>>, unknown, Awaited<ReturnType<typeof start>>]
  const witness = await tomPeer(t, one.port, 'w')
  const paused = await tomPeer(t, three.port, 'p')
  await heardOf(witness, 'p')
  const heard = listenTo(witness)
  three.child.kill('SIGSTOP')
  witness.send(signal('w', 'p', 1))
  witness.send('answered once the signal is on its way')
  await witness.nextOf('error')
  three.child.kill('SIGCONT')
  t.match(await paused.nextOf('signal'), { payload: 1 })
  paused.send(signal('p', 'w', 2))
  t.match(await witness.nextOf('signal'), { payload: 2 })
  t.same(heard, [])
})
