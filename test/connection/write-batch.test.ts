import t from 'tap'
import { WriteBatch } from '../../src/connection/write-batch.js'

const [a, b, c] = ['aa', 'b', 'ccc'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]

/** A batch of a, b and c. */
function filled (): WriteBatch {
  const batch = new WriteBatch()
  for (const frame of [a, b, c]) batch.add(frame)
  return batch
}

t.test('frames are numbered in order, and the same bytes in a row are one', async (t) => {
  const batch = new WriteBatch()
  t.same([a, a, b, a, Buffer.from(a)].map((frame) => batch.add(frame)), [0, 0, 1, 2, 3])
  t.same([0, 1, 2].map((number) => batch.frame(number)), [a, b, a])
})

t.test('a slice holds the frames of its range, in order, and its size is known before', async (t) => {
  const batch = filled()
  const ranges = [[0, 3, 'aabccc'], [1, 3, 'bccc'], [0, 2, 'aab'], [0, 3, 'aabccc'], [2, 3, 'ccc'], [0, 1, 'aa']] as const
  for (const [from, to, text] of ranges) {
    t.equal(batch.slice(from, to).toString(), text)
    t.equal(batch.bytes(from, to), text.length)
  }
  t.equal(batch.bytes(1, 1), 0)
})

t.test('sockets that were told the same share one copy, and a single frame is not copied', async (t) => {
  const batch = filled()
  t.equal(batch.slice(0, 2), batch.slice(0, 2))
  t.equal(batch.slice(1, 2), b)
  const frames = ['aa', 'b'].map((text) => Buffer.from(text))
  const other = new WriteBatch()
  for (const frame of frames) other.add(frame)
  const slice = other.slice(0, 2)
  for (const frame of frames) frame.fill(0)
  t.equal(slice.toString(), 'aab', 'a copy, which keeps no frame alive')
})

t.test('what is corked is uncorked at the end, in order, with the batch', async (t) => {
  const batch = filled()
  const ended: unknown[] = []
  for (const name of ['first', 'second']) batch.cork({ uncork: (of) => ended.push(name, of) })
  t.same(ended, [])
  batch.end()
  t.same(ended, ['first', batch, 'second', batch])
})
