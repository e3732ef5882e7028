import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { MailboxLimits } from '../../src/state/contract.js'
import { Keys } from '../../src/state/redis/keys.js'
import { redisState } from '../../src/state/redis/state.js'
import { scriptsFor } from '../../src/state/redis/scripts/index.js'
import { Timers } from '../../src/timing/timers.js'
import { until } from '../helper.js'
import { startCluster } from '../redis.js'
import { stateContract, type StateUnderTest } from './contract.js'
import { graceContract } from './grace.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }

const { urls, nodes } = await startCluster(t)

/** Names of the scripts that ran, and what any of them touched beyond the slot of its keys. */
const ran = new Set<string>()
const strays = new Set<string>()
/** A monitor writes line feeds and quotes in its own way. */
const gist = (lua: string) => lua.replace(/[^A-Za-z]|n/g, '')
const names = new Map(Object.entries(scriptsFor('SPUBLISH')).flatMap(([name, { lua }]) => [
  [gist(lua), name],
  [createHash('sha1').update(lua).digest('hex'), name]
]))
const tagOf = (key: string) => key.slice(0, key.indexOf('}') + 1)

for (const { client } of nodes) {
  const monitor = await client.monitor()
  t.teardown(() => monitor.disconnect())
  let running = { name: '', tag: '' }
  monitor.on('monitor', (_time: string, [command = '', ...args]: string[], source: string) => {
    if (source === 'lua') {
      const touched = command.toLowerCase() === 'del' ? args : args.slice(0, 1)
      for (const key of touched) if (tagOf(key) !== running.tag) strays.add(`${running.name}: ${command} ${key}`)
    } else if (/^eval/i.test(command)) {
      const [script = '', count, ...keys] = args
      running = { name: names.get(script) ?? names.get(gist(script)) ?? 'another', tag: tagOf(keys[0] ?? '') }
      ran.add(running.name)
      for (const key of keys.slice(0, Number(count))) if (tagOf(key) !== running.tag) strays.add(`${running.name}: ${key}`)
    }
  })
}

async function addState (t: Test, mailboxes: MailboxLimits): Promise<StateUnderTest> {
  const timers = new Timers((error) => { throw error })
  const state = await redisState({ urls, leaseMs: 10_000, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const pass = async (ms: number) => { await new Promise((resolve) => { timers.schedule(ms, () => resolve(undefined)) }) }
  return { state, pass }
}

async function empty (): Promise<void> {
  await Promise.all(nodes.map(async ({ client }) => await client.flushall()))
}

stateContract(t, async (t, mailboxes) => {
  await empty()
  return await addState(t, mailboxes)
})

graceContract(t, async (t, mailboxes) => {
  await empty()
  const { state: one, pass } = await addState(t, mailboxes)
  const { state: other } = await addState(t, mailboxes)
  return { one, other, pass }
})

t.test('every script touches keys and channels of one slot only', async (t) => {
  const { state } = await addState(t, { maxMessages: 1, maxBytes: 1, totalBytes: 1 })
  const sink = { deliver: () => true, close () {}, get seenAt () { return Date.now() } }
  state.peers.watch('psync', { showsSeen: true })
  for (let room = 0; room < 20; room++) await state.peers.join({ room: `psync/${room}`, id: 'a', sink, replace: true })
  // What is left over of somebody who was away.
  const grace = { ms: 60_000, as: 'address:a' }
  await state.peers.join({ room: 'tom', id: 'a', sink, grace, replace: true })
  const { away } = new Keys(0, true).of('tom')
  await Promise.any(nodes.map(async ({ client }) => await client.zadd(away, 0, 'tom\nnobody\nlong ago')))
  // Brings them back under another name of this node.
  for (const { client } of nodes) await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(() => !state.isReady)
  await until(() => state.isReady)
  await until(() => ran.has('seen') && ran.has('forgetAway'))
  t.same([...ran].sort(), Object.keys(scriptsFor('SPUBLISH')).sort())
  t.same([...strays], [])
})
