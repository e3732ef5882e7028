import { setTimeout as delay } from 'node:timers/promises'

/** How often to ask over HTTP. In ms. */
export const askEveryMs = 25

/** For so many turns of the event loop `until` looks in each of them. */
const turnsAtFirst = 20
/** How often it looks afterwards, so that what it waits for has the CPU. In ms. */
const lookEveryMs = 2

/** How long to wait for what should come at once. In ms. */
export const patienceMs = 10_000

/** Answers once `holds` does: for what shows in no frame. Throws when it never does. */
export async function until (holds: () => unknown): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (let turn = 0; ; turn++) {
    const held = holds()
    if (await held) return
    if (performance.now() > deadline) throw new Error(`never held: ${String(holds)}`)
    // Who asks over HTTP asks no more often than a balancer may.
    if (held instanceof Promise) await delay(askEveryMs)
    else if (turn < turnsAtFirst) await new Promise((resolve) => setImmediate(resolve))
    else await delay(lookEveryMs)
  }
}
