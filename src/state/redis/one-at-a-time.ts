import { setTimeout as delay } from 'node:timers/promises'

/** After work that took this thread so long it rests for so many times as long. */
const rests = 10
const leastRestMs = 1

interface Flight<T> {
  /** Settles once the work under way is done, and has rested. */
  readonly ended: Promise<unknown>
  /** For those who came meanwhile. */
  next: Promise<T> | undefined
}

/**
 * Costly answers that many may ask for at once. Of each name one is worked out at a time; whoever asks meanwhile shares the next one,
 * so that no answer is older than the question. However many ask, it takes a tenth of this thread at most.
 */
export class OneAtATime<T> {
  readonly #work: (name: string) => Promise<{ answer: T, busyMs: number }>
  readonly #flights = new Map<string, Flight<T>>()

  constructor (work: (name: string) => Promise<{ answer: T, busyMs: number }>) {
    this.#work = work
  }

  async ask (name: string): Promise<T> {
    const flight = this.#flights.get(name)
    if (flight === undefined) return await this.#start(name)
    return await (flight.next ??= flight.ended.then(async () => await this.#start(name)))
  }

  async #start (name: string): Promise<T> {
    const work = this.#work(name)
    const ended = work.then(async ({ busyMs }) => await rest(busyMs), () => {})
    const flight: Flight<T> = { ended, next: undefined }
    this.#flights.set(name, flight)
    ended.then(() => { if (flight.next === undefined) this.#flights.delete(name) }, () => {})
    return (await work).answer
  }
}

async function rest (busyMs: number): Promise<void> {
  const ms = busyMs * rests
  if (ms >= leastRestMs) await delay(ms, undefined, { ref: false })
}
