import { setImmediate as nextIteration } from 'node:timers/promises'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Test } from 'tap'
import { readConfig } from '../src/settings.js'
import { createService } from '../src/service.js'
import { schemaController } from '../src/testing/schema-controller.js'
import type { Clock } from '../src/timing/clock.js'
import type { Timers } from '../src/timing/timers.js'

/** As long as a frame and its answer need between two sockets of this process, and twice that. */
const iterations = 6

/** The clock of the machine, for tests that do not want to wait: it can be put ahead. */
export class SkippingClock implements Clock {
  #aheadMs = 0

  now (): number {
    return performance.now() + this.#aheadMs
  }

  timeOfDay (): number {
    return Date.now() + this.#aheadMs
  }

  /** Puts the clock ahead, and runs what is due by then. */
  skip (timers: Timers, ms: number): void {
    this.#aheadMs += ms
    timers.advance()
  }
}

/** A clock that stands until the test puts it ahead. What waits for a time does not come by itself. */
export class StandingClock implements Clock {
  #ms = performance.now()
  readonly #epochMs = Date.now() - this.#ms

  now (): number {
    return this.#ms
  }

  timeOfDay (): number {
    return this.#epochMs + this.#ms
  }

  /** Puts the clock ahead, and runs what is due by then. */
  skip (timers: Timers, ms: number): void {
    this.#ms += ms
    timers.advance()
  }
}

export interface InVirtualTime {
  readonly app: FastifyInstance
  /** ms that have passed, by the clock of the app. */
  now (): number
  /** Lets time pass, in steps between which sockets can answer. */
  pass (ms: number): Promise<void>
  /** Lets time pass until it holds. Throws when it does not within `maxMs`. */
  passUntil (holds: () => unknown, maxMs?: number): Promise<void>
}

/** The stock server, as `build` makes it, whose clock is put ahead by the test, with a plugin of the test's own. State in memory. */
export async function buildInVirtualTime (
  t: Test,
  env: Record<string, string> = {},
  stepMs = 250,
  plugin: FastifyPluginAsync = async () => {},
  clock: SkippingClock | StandingClock = new SkippingClock()
): Promise<InVirtualTime> {
  const config = readConfig({ CONNECT_RATE: '1000000', MAX_EVENT_LOOP_DELAY: '60000', LOG_LEVEL: 'silent', HOST: '127.0.0.1', ...env }, [])
  const app = createService(config, { clock, schemaController })
  t.teardown(async () => await app.close())
  app.register(plugin)
  await app.listen({ port: 0, host: '127.0.0.1' })

  async function step (ms: number): Promise<void> {
    clock.skip(app.signalbox.timers, ms)
    for (let iteration = 0; iteration < iterations; iteration++) await nextIteration()
  }

  return {
    app,
    now: () => clock.now(),
    async pass (ms) {
      for (let rest = ms; rest > 0; rest -= stepMs) await step(Math.min(rest, stepMs))
    },
    async passUntil (holds, maxMs = 600_000) {
      const deadline = clock.now() + maxMs
      while (await holds() !== true) {
        if (clock.now() > deadline) throw new Error(`never held: ${String(holds)}`)
        await step(stepMs)
      }
    }
  }
}
