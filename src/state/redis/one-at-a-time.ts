import { setTimeout as delay } from 'node:timers/promises'

/** A rest takes this many times as long as the work before it kept the thread busy. */
const restFactor = 10
/** Shorter rests are skipped. */
const minRestMs = 1

interface Flight<T> {
  /** Resolves after the current work and its rest. */
  readonly ended: Promise<unknown>
  /** The answer for callers that asked meanwhile. */
  next: Promise<T> | undefined
}

/**
 * Computes costly answers, one at a time for each name. Callers that ask meanwhile share the next answer, so no answer is older than
 * its question. However many callers there are, the work for a name takes at most a tenth of this thread.
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
  const ms = busyMs * restFactor
  if (ms >= minRestMs) await delay(ms, undefined, { ref: false })
}
