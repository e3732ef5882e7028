import t from 'tap'
import { redisState } from '../../src/state/redis/state.js'
import { Timers } from '../../src/timing/timers.js'
import { startRedis } from '../redis.js'
import { type MakeState, stateContract } from './contract.js'

const log = { error: console.error, warn () {}, info () {}, debug () {} }

const { url, client } = await startRedis(t)

const makeState: MakeState = async (t, mailboxes) => {
  await client.flushall()
  const timers = new Timers((error) => { throw error })
  const state = await redisState({ urls: [url], leaseMs: 10_000, mailboxes, timers, log })
  t.teardown(async () => {
    await state.close()
    timers.close()
  })
  const pass = async (ms: number) => { await new Promise((resolve) => { timers.schedule(ms, () => resolve(undefined)) }) }
  return { state, pass }
}

stateContract(t, makeState)
