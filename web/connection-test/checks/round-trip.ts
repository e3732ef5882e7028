import type { Check } from '../check.js'
import { explainClose } from '../explain/close-codes.js'
import { Socket } from '../socket.js'
import { openSocket } from './open.js'

const pings = 9
const slowMs = 500

export const roundTrip: Check = {
  name: 'round-trip',
  title: 'Round trip',
  about: 'How long a frame takes to the server and back.',
  async run (facts, tell) {
    const socket = await openSocket(facts)
    if (!(socket instanceof Socket)) return socket
    const times: number[] = []
    try {
      while (times.length < pings) {
        const answer = await socket.ping()
        if (typeof answer !== 'number') {
          const { what, change } = explainClose(answer)
          return { mark: 'fail', summary: what, change }
        }
        times.push(answer)
        tell({ progress: times.length / pings })
      }
    } finally {
      socket.close()
    }
    times.sort((one, other) => one - other)
    const median = times[pings >> 1] as number
    const [fastest, slowest] = [times[0], times.at(-1)] as [number, number]
    const summary = `${format(median)} is the median of ${pings} frames, ${format(fastest)} to ${format(slowest)}.`
    if (median < slowMs) return { mark: 'pass', summary }
    return {
      mark: 'warn',
      summary: `${summary} A call needs several round trips to begin, so people will wait.`,
      change: ['Run the server nearer to its clients, or see in `/metrics` whether its event loop is late.']
    }
  }
}

const format = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
