import t, { type Test } from 'tap'
import { connect, refusal, until, urlOf } from '../helper.js'
import { type Actor, enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { startTopology, type Topology } from './topology.js'

/** With this many clients it is practically impossible that all come to one of two nodes. */
const most = 60

/** Peers of one place that connected through the balancer, at least one on each of these nodes. */
async function enterOnAll (t: Test, { port, nodes }: Topology, subject: Subject, among = nodes): Promise<Actor[]> {
  const before = among.map((node) => node.handshakes().length)
  const actors: Actor[] = []
  while (among.some((node, at) => node.handshakes().length === before[at])) {
    if (actors.length === most) throw new Error('they all came to one node')
    actors.push(await enter(t, port, subject, `peer${actors.length}`, { place: actors[0]?.place }))
  }
  return actors
}

async function meet (t: Test, from: Actor, to: Actor): Promise<void> {
  from.signal(to.id, { hello: from.id })
  t.same(await to.hears(), { sender: from.id, load: { hello: from.id } })
}

t.test('clients of every dialect come through the balancer and reach each other over both nodes', async (t) => {
  const topology = await startTopology(t)
  for (const subject of builtIn) {
    await t.test(subject.name, async (t) => {
      const actors = await enterOnAll(t, topology, subject)
      // The last one is the first that came to the other node.
      const [first, last] = [actors[0], actors.at(-1)] as [Actor, Actor]
      await meet(t, first, last)
      await meet(t, last, first)
    })
  }
})

t.test('the metrics of the nodes cannot be read through the balancer', async (t) => {
  const { port, nodes: [node] } = await startTopology(t)
  t.equal((await fetch(`http://${node.address}:${node.port}/metrics`)).status, 200)
  for (const path of [
    '/metrics',
    '/metrics/',
    '/metrics?a',
    '//metrics',
    '/%6detrics',
    '/.//metrics',
    '/tom/..%2fmetrics',
    '/metrics%2f',
    '/metrics%3fa',
    '/METRICS'
  ]) {
    const response = await fetch(`${urlOf(port)}${path}`)
    t.equal(response.status, 404, path)
    t.notMatch(await response.text(), 'signalbox_', path)
  }
})

t.test('the nodes count by the client’s own address, whatever it claims', async (t) => {
  const { port, nodes } = await startTopology(t, { CONNECT_RATE: '4' })
  const from = (localAddress: string) => ({ localAddress, headers: { 'x-forwarded-for': `10.0.0.${Math.floor(Math.random() * 250)}` } })
  for (let handshake = 0; handshake < 4; handshake++) await connect(t, port, '/tom', from('127.0.0.8'))
  const { status, headers } = await refusal(t, port, '/tom', from('127.0.0.8'))
  t.equal(status, 429)
  t.ok(headers['retry-after'])
  await connect(t, port, '/tom', from('127.0.0.9'))
  const seen = () => nodes.flatMap((node) => node.handshakes()).sort()
  await until(() => seen().length === 6)
  t.same(seen(), [...Array<string>(5).fill('127.0.0.8'), '127.0.0.9'])
})

t.test('a node that drains gets nobody new: the others take over at once, and it is used again once it is back', async (t) => {
  const topology = await startTopology(t, { DRAIN_MS: '2000' })
  const { port, nodes: [draining, staying] } = topology
  const drone = builtIn.find(({ name }) => name === 'drone') as Subject
  await enterOnAll(t, topology, drone)
  // It does not answer the close, so the drain lasts until it is cut.
  const mute = await connect(t, `http://${draining.address}:${draining.port}`, '/drone')
  mute.socket.pause()
  const before = staying.handshakes().length

  draining.child.kill('SIGTERM')
  await until(async () => (await fetch(`http://${draining.address}:${draining.port}/ready`)).status === 503)
  const attempts = draining.handshakes().length
  const during = []
  for (let client = 0; client < 20; client++) during.push(await enter(t, port, drone, `during${client}`))
  t.equal((await fetch(`${urlOf(port)}/ready`)).status, 200)
  t.equal(staying.handshakes().length, before + during.length, 'all of them on the one that stays')
  // The balancer did try the other.
  await until(() => draining.handshakes().length > attempts)
  t.equal(await draining.exited, 0)

  const after = []
  for (let client = 0; client < 10; client++) after.push(await enter(t, port, drone, `after${client}`))
  for (const actor of [...during, ...after]) await actor.settle()
  await meet(t, during[0] as Actor, after[0] as Actor)

  const back = await topology.startAgain(draining)
  const actors = await enterOnAll(t, { ...topology, nodes: [back, staying] }, drone, [back, staying])
  await meet(t, actors[0] as Actor, actors.at(-1) as Actor)
})
