import type { Socket } from 'node:net'

/** A socket that reads at a limited rate. */
export interface Throttled {
  readonly received: number
  /** Lifts the limit. */
  release (): void
}

const refillMs = 10

/**
 * Limits the bytes that a socket reads in a second: 1 250 000 are a line of 10 Mbit/s. As on such a line, the kernel buffers a
 * few MiB more.
 */
export function throttledReader (socket: Socket, bytesPerSecond: number): Throttled {
  let received = 0
  let budget = 0
  let refilledAt = performance.now()
  const refill = setInterval(() => {
    const now = performance.now()
    // At most a tenth of a second is saved up.
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
