import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { connect } from '../helper.js'
import { nodesOn } from './nodes.js'

async function crowd (t: Test, app: FastifyInstance): Promise<number[]> {
  const closedAt: number[] = []
  for (let at = 0; at < 40; at++) {
    const client = await connect(t, app, '/drone')
    client.closed.then(() => closedAt.push(performance.now())).catch(() => {})
  }
  return closedAt
}

t.test('a node that drains takes no longer than the others need for its clients', async (t) => {
  const { apps: [one] } = await nodesOn(t, 3)
  const { connections } = (one as FastifyInstance).signalbox
  const closedAt = await crowd(t, one as FastifyInstance)
  const startedAt = performance.now()
  await connections.drain(20_000)
  t.equal(closedAt.length, 40)
  const ms = (closedAt.at(-1) as number) - startedAt
  t.ok(ms < 5_000, `${Math.round(ms)} ms, and not 20 s`)
})

t.test('where the others can take nobody, it takes its own time', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2)
  const closedAt = await crowd(t, one as FastifyInstance)
  const warned: unknown[] = []
  const { connections } = (one as FastifyInstance).signalbox
  connections.log.warn = (...given: unknown[]) => { warned.push(given[1]) }
  await (other as FastifyInstance).signalbox.connections.drain(0)
  const startedAt = performance.now()
  await connections.drain(1_000)
  const ms = (closedAt.at(-1) as number) - startedAt
  t.ok(ms > 700, `${Math.round(ms)} ms`)
  t.same(warned, ['the other nodes need longer than DRAIN_MS for the clients'])
})

t.test('a node whose question about the others fails takes its own time, too', async (t) => {
  const { apps: [one] } = await nodesOn(t, 1)
  const closedAt = await crowd(t, one as FastifyInstance)
  const { connections } = (one as FastifyInstance).signalbox
  connections.capacityElsewhere = async () => { throw new Error('no answer') }
  await connections.drain(200)
  t.equal(closedAt.length, 40)
})
