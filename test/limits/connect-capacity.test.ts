import t from 'tap'
import { ConnectCapacity } from '../../src/limits/connect-capacity.js'

function after (seconds: Array<[utilization: number, connects: number]>): number {
  const capacity = new ConnectCapacity()
  for (const [utilization, connects] of seconds) for (let round = 0; round < 30; round++) capacity.note({ utilization, connects })
  return capacity.perSecond
}

t.test('a process learns from its seconds with many that connect, what one costs, and so how many more it can take', async (t) => {
  const idle = after([[0.1, 0]])
  t.ok(Math.abs(idle - 630) < 1, 'until then a guess, of the part of its time that is free')
  // 200 a second, 2 ms each, beside 10 % of other work.
  const busy = after([[0.1, 0], [0.5, 200], [0.1, 0]])
  t.ok(Math.abs(busy - 315) < 5, `${busy}`)
  t.ok(after([[0.1, 0], [0.5, 200], [0.9, 0]]) < busy / 5, 'hardly any while it is busy')
  t.equal(after([[0.1, 0], [1, 0]]), 0)
})

t.test('a few do not tell, and what cannot be is not believed', async (t) => {
  const idle = after([[0.1, 0]])
  t.ok(Math.abs(after([[0.1, 0], [0.9, 5], [0.1, 0]]) - idle) < 1)
  t.ok(after([[0.5, 0], [0.1, 1000], [0.1, 0]]) <= 0.9 * 0.7 * 1000 / 0.2 + 1)
})
