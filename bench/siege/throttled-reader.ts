import type { Socket } from 'node:net'

/** What a throttled reader has read so far. */
export interface Throttled {
  readonly received: number
  /** From here on it reads as fast as it can. */
  release (): void
}

const refillMs = 10

/** Makes a socket read so many bytes a second at most: a line of 10 Mbit/s reads 1 250 000. The kernel takes some MiB more, as it does on such a line. */
export function throttledReader (socket: Socket, bytesPerSecond: number): Throttled {
  let received = 0
  let budget = 0
  let refilledAt = performance.now()
  const refill = setInterval(() => {
    const now = performance.now()
    // What was not read is not saved up.
    budget = Math.min(bytesPerSecond / 10, budget + (now - refilledAt) / 1000 * bytesPerSecond)
    refilledAt = now
    if (budget > 0) socket.resume()
  }, refillMs)
  const take = ({ length }: Buffer): void => {
    received += length
    budget -= length
    if (budget <= 0) socket.pause()
  }
  const stop = (): void => {
    clearInterval(refill)
    socket.off('data', take)
  }
  socket.on('data', take).on('close', stop)
  socket.pause()
  return {
    get received () { return received },
    release () {
      stop()
      socket.resume()
    }
  }
}
