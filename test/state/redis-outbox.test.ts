import fc from 'fast-check'
import t from 'tap'
import type { Sent } from '../../src/state/contract.js'
import { type FrameHeader, framesMark, Outbox, unpack } from '../../src/state/redis-outbox.js'

const header = (to: string): FrameHeader => ['frame', 'tom', to, 'a']
const turn = async () => await new Promise<void>((resolve) => { setImmediate(resolve) })
const pass = () => {}

/** An outbox with what it handed over, which is answered when the test says so. */
function outbox (onError: (error: unknown) => void = (error) => { throw error }) {
  const handed: Buffer[] = []
  const answers: Array<(others: Map<number, Sent> | undefined) => void> = []
  const box = new Outbox(() => 'tag', async (_room, letters) => await new Promise((resolve) => {
    handed.push(letters)
    answers.push(resolve)
  }), onError)
  return { box, handed, answers }
}

t.test('what goes in comes out, in order and byte for byte', async (t) => {
  const name = fc.string({ unit: 'binary', minLength: 1 }).filter((name) => !/\p{Cc}/u.test(name))
  const letter = fc.record({ to: name, room: name, from: name, frame: fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array().map((bytes) => Buffer.from(bytes))) })
  await fc.assert(fc.asyncProperty(fc.array(letter, { minLength: 1 }), async (letters) => {
    const { box, handed } = outbox()
    for (const { room, to, from, frame } of letters) box.send(['frame', room, to, from], frame, pass)
    box.flush()
    const found: unknown[] = []
    t.equal(unpack(Buffer.concat([Buffer.from(framesMark), ...handed]), (header, frame) => found.push([...header, frame.toString('hex')])), true)
    t.same(found, letters.map(({ room, to, from, frame }) => ['frame', room, to, from, Buffer.from(frame).toString('hex')]))
  }))
})

t.test('what is no message of frames is found out', async (t) => {
  for (const rest of ['x', 'frame\n\n\n\n', 'frame\nr\nt\nf\n9\nshort', 'frame\nr\nt\nf\nmany\n']) {
    t.equal(unpack(Buffer.from(framesMark + rest), () => t.fail('a frame')), false)
  }
})

t.test('the frames of one turn are handed over together, and no more than is worth it', async (t) => {
  const { box, handed } = outbox()
  for (let at = 0; at < 10; at++) box.send(header('b'), 'frame', pass)
  t.equal(handed.length, 0)
  await turn()
  t.equal(handed.length, 1)
  for (let at = 0; at < 10; at++) box.send(header('b'), 'x'.repeat(20_000), pass)
  t.equal(handed.length, 3)
  await turn()
  t.equal(handed.length, 4)
})

t.test('each sender hears of the frame that was not sent, also when an earlier one fails to listen', async (t) => {
  const failures: unknown[] = []
  const { box, answers } = outbox((error) => failures.push(error))
  const undelivered: string[] = []
  const listen = (to: string) => { undelivered.push(to) }
  box.send(header('a'), '', () => { throw new Error('deaf') })
  box.send(header('b'), '', listen)
  box.send(header('c'), '', listen)
  const asked = [box.ask(header('d'), ''), box.ask(header('e'), '')]
  box.flush()
  answers[0]?.(new Map([[0, 'absent'], [2, 'failed'], [3, 'failed']]))
  t.same(await Promise.all(asked), ['failed', 'sent'])
  t.same(undelivered, ['c'])
  t.equal(failures.length, 1)
  box.send(header('f'), '', listen)
  const later = box.ask(header('g'), '')
  box.flush()
  answers[1]?.(undefined)
  t.equal(await later, undefined)
  t.same(undelivered, ['c', 'f'], 'and of all of them without Redis')
})

t.test('once a megabyte is on its way whoever sends waits, until it is less', async (t) => {
  const { box, answers } = outbox()
  const frame = 'x'.repeat(64 * 1024)
  for (let at = 0; at < 16; at++) t.equal(box.send(header('b'), frame, pass), 'sent')
  const waits = box.send(header('b'), frame, pass)
  t.ok(waits instanceof Promise)
  for (const answer of answers) answer(new Map())
  t.equal(await waits, 'sent')
  t.equal(box.send(header('b'), frame, pass), 'sent')
})
