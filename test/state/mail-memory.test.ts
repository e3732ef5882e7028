import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Mailboxes } from '../../src/state/local/mailboxes.js'
import { Timers } from '../../src/timing/timers.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function used (): number {
  // What the first has found the second frees.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Apart, since what runs TypeScript here gives a function that it can name a property for that, which takes hundreds of bytes. */
function expiredOf (from: string, to: string): () => string {
  return () => `${from} ${to}`
}

for (const { title, receivers, senders, letters, idLength, text } of [
  { title: 'tiny frames for thousands of names', receivers: 20_000, senders: 1, letters: 1, idLength: 10, text: '{}' },
  { title: 'frames for names that are as long as may be', receivers: 10_000, senders: 1, letters: 1, idLength: 256, text: '{}' },
  {
    title: 'many frames in a mailbox',
    receivers: 200,
    senders: 1,
    letters: 250,
    idLength: 10,
    text: '{"candidate":"candidate:1 1 udp 1"}'
  },
  { title: 'many senders in a mailbox', receivers: 100, senders: 200, letters: 1, idLength: 10, text: '{}' },
  {
    title: 'text that needs two bytes for each of its letters',
    receivers: 2_000,
    senders: 1,
    letters: 10,
    idLength: 10,
    text: `{"x":"中${'x'.repeat(1000)}"}`
  }
]) {
  t.test(`mail takes no more memory than is counted: ${title}`, async (t) => {
    const timers = new Timers((error) => { throw error })
    t.teardown(() => timers.close())
    const boxes = new Mailboxes(timers, { maxMessages: 1024, maxBytes: 1e12, totalBytes: 1e12 }, () => {})
    const bytes = Buffer.from(text)
    const before = used()
    for (let receiver = 0; receiver < receivers; receiver++) {
      for (let sender = 0; sender < senders; sender++) {
        for (let letter = 0; letter < letters; letter++) {
          // As a socket gives it: a part of something larger.
          const slab = Buffer.alloc(8192)
          const frame = slab.subarray(0, bytes.copy(slab))
          const [from, to] = [String(sender).padStart(idLength, 's'), String(receiver).padStart(idLength, 'r')]
          boxes.keep({ room: 'peerjs/peerjs', from, to, frame, keepMs: 600_000, origin: from, expired: expiredOf(from, to) })
        }
      }
    }
    const taken = used() - before
    t.equal(boxes.size, receivers)
    t.ok(taken <= boxes.weight, `${taken} bytes are counted as ${boxes.weight}`)
    t.ok(taken > boxes.weight / 3, 'and not for much more')
  })
}
