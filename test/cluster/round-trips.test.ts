import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { RedisServer } from '../redis.js'
import { nodesOn, signal, tomPeer } from './nodes.js'

const signals = 300
/** Commands that leases and probes may add meanwhile. */
const besides = 20

/** How many commands Redis got meanwhile, not counting those that scripts call. */
async function commandsDuring ({ client }: RedisServer, work: () => Promise<void>): Promise<{ scripts: number, reads: number }> {
  await client.config('RESETSTAT')
  await work()
  const stats = await client.info('commandstats')
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  return { scripts: calls('eval') + calls('evalsha'), reads: calls('hgetall') + calls('smembers') }
}

t.test('a relay to a peer on another node is one round trip, of many at once too, and between two of one node none', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2, { MESSAGE_BURST: '10000' })
  const a = await tomPeer(t, one as FastifyInstance, 'a')
  const b = await tomPeer(t, one as FastifyInstance, 'b')
  const c = await tomPeer(t, other as FastifyInstance, 'c')
  const oneByOne = async () => {
    for (let at = 0; at < signals; at++) {
      a.send(signal('a', 'c', at))
      await c.nextThat(({ payload }) => payload === at)
    }
  }
  const atOnce = (to: string, receiver: typeof a) => async () => {
    for (let at = 0; at < signals; at++) a.send(signal('a', to, at))
    await receiver.nextThat(({ payload }) => payload === signals - 1)
  }
  const across = await commandsDuring(redis, oneByOne)
  t.ok(across.scripts >= signals && across.scripts < signals + besides, `${across.scripts} scripts for ${signals} signals`)
  const together = await commandsDuring(redis, atOnce('c', c))
  t.ok(together.scripts < signals / 2, `${together.scripts} scripts for ${signals} signals at once`)
  t.equal(across.reads, 0, 'and no list is read')
  const inside = await commandsDuring(redis, atOnce('b', b))
  t.ok(inside.scripts < besides, `${inside.scripts} scripts for ${signals} signals`)
})

t.test('a list comes from the replica, not from a read of Redis', async (t) => {
  const { redis, apps: [one, other] } = await nodesOn(t, 2)
  const a = await tomPeer(t, one as FastifyInstance, 'a')
  await tomPeer(t, other as FastifyInstance, 'b')
  const { reads } = await commandsDuring(redis, async () => {
    for (let at = 0; at < 10; at++) await tomPeer(t, other as FastifyInstance, `c${at}`)
    await a.nextThat(({ participants }) => (participants as unknown[] | undefined)?.length === 12)
  })
  t.equal(reads, 0)
})
