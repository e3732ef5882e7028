import t from 'tap'
import type { LetterHead } from '../../src/state/redis/messages.js'
import { Outbox } from '../../src/state/redis/outbox.js'
import type { LetterOutcome } from '../../src/state/redis/scripts/relay.js'

const head = (to: string): LetterHead => ['frame', 'tom', to, 'a']
const turn = async () => await new Promise<void>((resolve) => { setImmediate(resolve) })
const pass = () => {}

/** An outbox with what it handed over, which is answered when the test says so. */
function outbox (onError: (error: unknown) => void = (error) => { throw error }) {
  const handed: Buffer[] = []
  const kept: string[] = []
  const answers: Array<(others: Map<number, LetterOutcome> | undefined) => void> = []
  const box = new Outbox(() => 'tag', async (_room, letters) => await new Promise((resolve) => {
    handed.push(letters)
    answers.push(resolve)
  }), ([, , to], _frame, batch) => kept.push(`${to} in ${batch}`), onError)
  return { box, handed, kept, answers }
}

t.test('the frames of one turn are handed over together, and no more than is worth it', async (t) => {
  const { box, handed } = outbox()
  for (let at = 0; at < 10; at++) box.send(head('b'), 'frame', pass)
  t.equal(handed.length, 0)
  await turn()
  t.equal(handed.length, 1)
  for (let at = 0; at < 10; at++) box.send(head('b'), 'x'.repeat(20_000), pass)
  t.equal(handed.length, 3)
  await turn()
  t.equal(handed.length, 4)
})

t.test('each sender hears of the frame that was not sent, also when an earlier one fails to listen', async (t) => {
  const failures: unknown[] = []
  const { box, answers } = outbox((error) => failures.push(error))
  const undelivered: string[] = []
  const listen = (to: string) => { undelivered.push(to) }
  box.send(head('a'), '', () => { throw new Error('deaf') })
  box.send(head('b'), '', listen)
  box.send(head('c'), '', listen)
  const asked = [box.ask(head('d'), ''), box.ask(head('e'), '')]
  box.flush()
  answers[0]?.(new Map([[0, 'absent'], [2, 'failed'], [3, 'failed']]))
  t.same(await Promise.all(asked), ['failed', 'sent'])
  t.same(undelivered, ['c'])
  t.equal(failures.length, 1)
  box.send(head('f'), '', listen)
  const later = box.ask(head('g'), '')
  box.flush()
  answers[1]?.(undefined)
  t.equal(await later, undefined)
  t.same(undelivered, ['c', 'f'], 'and of all of them without Redis')
})

t.test('a frame that waits for its receiver is as good as sent, and is accounted for', async (t) => {
  const { box, kept, answers } = outbox()
  const undelivered: string[] = []
  box.send(head('a'), '', (to) => { undelivered.push(to) })
  const asked = box.ask(head('b'), '')
  box.flush()
  answers[0]?.(new Map([[0, { batch: 'one' }], [1, { batch: 'other' }]]))
  t.same(await asked, { batch: 'other' }, 'who asked does so itself')
  t.same(undelivered, [])
  t.same(kept, ['a in one'])
})

t.test('once a megabyte is on its way whoever sends waits, until it is less', async (t) => {
  const { box, answers } = outbox()
  const frame = 'x'.repeat(64 * 1024)
  for (let at = 0; at < 16; at++) t.equal(box.send(head('b'), frame, pass), 'sent')
  const waits = box.send(head('b'), frame, pass)
  t.ok(waits instanceof Promise)
  for (const answer of answers) answer(new Map())
  t.equal(await waits, 'sent')
  t.equal(box.send(head('b'), frame, pass), 'sent')
})
