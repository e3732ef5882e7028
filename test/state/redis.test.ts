import t, { type Test } from 'tap'
import { payloadOf } from '../../src/frame/bytes.js'
import type { FrameLike, MailboxLimits } from '../../src/state/contract.js'
import { redisState } from '../../src/state/redis/state.js'
import { Timers } from '../../src/timing/timers.js'
import { until } from '../helper.js'
import { startRedis } from '../redis.js'
import { stateContract, type StateUnderTest } from './contract.js'
import { graceContract } from './grace.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }

const { url, client } = await startRedis(t)

async function addState (t: Test, mailboxes: MailboxLimits): Promise<StateUnderTest> {
  const timers = new Timers((error) => { throw error })
  const state = await redisState({ urls: [url], leaseMs: 10_000, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const pass = async (ms: number) => { await new Promise((resolve) => { timers.schedule(ms, () => resolve(undefined)) }) }
  return { state, pass }
}

stateContract(t, async (t, mailboxes) => {
  await client.flushall()
  return await addState(t, mailboxes)
})

graceContract(t, async (t, mailboxes) => {
  await client.flushall()
  const { state: one, pass } = await addState(t, mailboxes)
  const { state: other } = await addState(t, mailboxes)
  return { one, other, pass }
})

t.test('a session in Redis that is not one of ours is skipped and counted, and the frame goes without', async (t) => {
  await client.flushall()
  const timers = new Timers((error) => { throw error })
  const mailboxes = { maxMessages: 8, maxBytes: 65_536, totalBytes: 1_048_576 }
  const state = await redisState({ urls: [url], leaseMs: 10_000, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const got: unknown[] = []
  const deliver = (frame: FrameLike) => got.push(payloadOf(frame)) > 0
  for (const id of ['a', 'b']) await state.peers.join({ room: 'drone', id, sink: { deliver, close () {}, seenAt: 0 }, replace: true })
  const answer = async () => await state.sessions.send({
    room: 'drone', from: 'b', to: 'a', session: undefined, begins: false, idleMs: 1000, frame: (session) => `in ${session ?? 'none'}`
  })
  for (const [skipped, junk] of ['junk', '{', '{"not":"text"}'].entries()) {
    await client.zadd('{sb:0}:sessions:drone:pair:a\nb', skipped, junk)
    await client.set(`{sb:0}:sessions:drone:is:a\nb\n${junk}`, 'a')
    t.equal(await answer(), 'sent', junk)
    t.equal(state.counters.messagesSkipped, skipped + 1)
  }
  t.same(got, ['in none', 'in none', 'in none'])
})

t.test('a session in Redis that is not one of ours goes into no frame for another node', async (t) => {
  await client.flushall()
  const timers = new Timers((error) => { throw error })
  const mailboxes = { maxMessages: 8, maxBytes: 65_536, totalBytes: 1_048_576 }
  const [one, other] = [
    await redisState({ urls: [url], leaseMs: 10_000, mailboxes, timers, log }),
    await redisState({ urls: [url], leaseMs: 10_000, mailboxes, timers, log })
  ]
  t.teardown(async () => {
    await one.close()
    await other.close()
    timers.close()
  })
  const got: string[] = []
  const deliver = (frame: FrameLike) => got.push(String(payloadOf(frame))) > 0
  await one.peers.join({ room: 'drone', id: 'a', sink: { deliver, close () {}, seenAt: 0 }, replace: true })
  await other.peers.join({ room: 'drone', id: 'b', sink: { deliver: () => true, close () {}, seenAt: 0 }, replace: true })
  const answer = async () => await other.sessions.send({
    room: 'drone', from: 'b', to: 'a', session: undefined, begins: false, idleMs: 1000, frame: (session) => JSON.stringify({ session })
  })
  const notUtf8 = [Buffer.from('22ff22', 'hex'), Buffer.from('22eda08022', 'hex')]
  const junk = ['junk', '{', '1', '"a","b":1', '{"not":"text"}', '"line\nfeed"', ...notUtf8]
  for (const [score, name] of junk.entries()) {
    await client.zadd('{sb:0}:sessions:drone:pair:a\nb', score, name)
    await client.set(Buffer.concat([Buffer.from('{sb:0}:sessions:drone:is:a\nb\n'), Buffer.from(name)]), 'a')
    t.equal(await answer(), 'sent', String(name))
  }
  await until(() => got.length === junk.length)
  t.same(got, junk.map(() => '{}'))
  await client.zadd('{sb:0}:sessions:drone:pair:a\nb', junk.length, '"gr\u00fc\u00df dich \ud83d\ude42"')
  await client.set('{sb:0}:sessions:drone:is:a\nb\n"gr\u00fc\u00df dich \ud83d\ude42"', 'a')
  t.equal(await answer(), 'sent')
  await until(() => got.length > junk.length)
  t.equal(got.at(-1), '{"session":"gr\u00fc\u00df dich \ud83d\ude42"}', 'and one of ours does')
})
