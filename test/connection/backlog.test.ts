import t from 'tap'
import { Backlog } from '../../src/connection/backlog.js'
import type { Sink } from '../../src/state/contract.js'

const sink = (network: string): Sink => ({ deliver: () => true, close () {}, seenAt: 0, network })

/** A backlog with a number of bytes waiting in it, of nobody's. */
function filled (capacity: number, waiting = 0) {
  const backlog = new Backlog(capacity)
  let written = waiting
  let gone = 0
  return {
    take (from: Sink | string, bytes: number): boolean {
      const isTaken = backlog.take(from, bytes, { waiting: written - gone, end: written + bytes })
      if (isTaken) written += bytes
      return isTaken
    },
    read (bytes: number): void {
      gone += bytes
      backlog.release(gone)
    },
    get waiting () { return written - gone }
  }
}

t.test('a sender has at most a quarter of what is free waiting, and leaves room for others', async (t) => {
  const { take } = filled(100_000)
  const senders = Array.from({ length: 10 }, (_, at) => sink(`10.0.0.${at}`))
  let taken = 0
  while (take(senders[0] as Sink, 10)) taken += 10
  t.equal(taken, 20_000, 'a quarter of the 80 000 that are left')
  for (const sender of senders) while (take(sender, 10));
  t.ok(take('another', 1000))
})

t.test('senders of one network have at most half of what is free waiting, however many they are', async (t) => {
  const backlog = filled(1000)
  const senders = Array.from({ length: 50 }, () => sink('10.0.0.1'))
  for (const sender of senders) while (backlog.take(sender, 1));
  t.ok(backlog.waiting <= 334, `${backlog.waiting} bytes`)
  t.ok(backlog.take(sink('10.0.0.2'), 150))
})

t.test('what has been read is given back to its sender', async (t) => {
  const { take, read } = filled(1000, 100)
  t.ok(take('a', 180))
  t.notOk(take('a', 180))
  read(100)
  t.notOk(take('a', 180), 'it stands behind what was there')
  read(179)
  t.notOk(take('a', 220), 'it has not gone yet')
  read(1)
  t.ok(take('a', 220))
  t.ok(take('b', 100))
  read(320)
  t.ok(take('a', 250))
  t.ok(take('b', 180))
})
