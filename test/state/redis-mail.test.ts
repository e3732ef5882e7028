import t from 'tap'
import { Frame } from '../../src/frame/bytes.js'
import { KeptMail } from '../../src/state/redis/mail.js'
import { graceOfBatch } from '../../src/state/redis/scripts/relay.js'
import { Timers } from '../../src/timing/timers.js'
import { StandingClock } from '../virtual-time.js'

const limits = { maxMessages: 100, maxBytes: 100_000, totalBytes: 1_000_000 }
const mail = { room: 'tom', from: 'a', to: 'b', frame: new Frame('signal', '{"type":"signal"}'), keepMs: 65_000 }

function accounts () {
  const clock = new StandingClock()
  const timers = new Timers((error) => { throw error }, 25, clock)
  const kept = new KeptMail(timers, limits, () => {})
  return { kept, pass: (ms: number) => clock.skip(timers, ms) }
}

t.test('a batch that was found before Redis has answered that it is kept does not count, nor do its other frames', async (t) => {
  const { kept, pass } = accounts()
  kept.found('node/1')
  kept.addForAway(mail, 'node/1')
  kept.addForAway(mail, 'node/1')
  t.equal(kept.size, 0)
  t.equal(kept.bytes, 0)
  const weight = kept.reserve(mail) as number
  kept.add(mail, weight, 'node/1', true)
  t.equal(kept.bytes, 0)
  let frames = 0
  while (kept.reserve({ ...mail, to: `${frames}` }) !== undefined) frames++
  t.ok(frames > 50, 'nothing of it is left in the accounts')
  kept.addForAway(mail, 'node/2')
  t.equal(kept.size, 1)
  kept.found('node/2')
  t.equal(kept.size, 0)
  pass(60_000)
  kept.addForAway(mail, 'node/1')
  t.equal(kept.size, 1, 'a name is remembered for as long as an answer may take')
})

t.test('a batch that nobody tells of is forgotten with its mailbox', async (t) => {
  const { kept, pass } = accounts()
  kept.addForAway(mail, 'node/1-0/5000')
  pass(64_000)
  t.equal(kept.size, 1)
  pass(2_000)
  t.equal(kept.size, 0)
  t.equal(graceOfBatch('node/1-0/5000'), 5_000)
  t.equal(graceOfBatch('node/e2f0a6a4-1d5f-4a6e-9f3b-0d8f3a1c2b45'), 0)
})
