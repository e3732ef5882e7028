import { setTimeout as delay } from 'node:timers/promises'
import { NodesBody, RoomsBody } from '../../../routes/admin/console-schema.js'
import { CommandError } from '../command.js'
import type { Overview } from './overview.js'
import { Lost, type Server } from './server.js'

/** How often the nodes are asked for. In ms. */
const nodesMs = 2_000
/** Of so many looks at the nodes, one is also at the rooms. */
const looksPerRooms = 3
/** As many as fit on any screen. */
const maxRooms = 20
/** In ms: the first wait for a server that has gone, and the longest. */
const [firstWaitMs, longestWaitMs] = [1_000, 5_000]

export interface Watcher {
  /** A second has ended, and the overview has it. */
  readonly second: () => void
  /** The connection is lost, and will be tried again. */
  readonly lost: (why: string) => void
}

/**
 * Keeps the overview up to date until `signal` is aborted. A connection that is lost is tried again; one that cannot be had at the
 * beginning is not.
 *
 * @throws CommandError for what will stay the same
 */
export async function watch (server: Server, overview: Overview, { second, lost }: Watcher, signal: AbortSignal): Promise<void> {
  const stopping = new AbortController()
  const until = AbortSignal.any([signal, stopping.signal])
  let failure: unknown
  let looks = 0
  let lookedAt = -Infinity
  let waitMs = firstWaitMs
  let hasBegun = false

  async function look (): Promise<void> {
    lookedAt = performance.now()
    overview.nodes = await server.get('nodes', NodesBody)
    if (looks++ % looksPerRooms === 0) overview.rooms = await server.get(`rooms?limit=${maxRooms}`, RoomsBody)
  }

  async function listen (): Promise<void> {
    await look()
    let looking: Promise<void> | undefined
    for await (const event of server.events('events', until)) {
      hasBegun = true
      if (!overview.hear(event)) continue
      waitMs = firstWaitMs
      second()
      if (looking !== undefined || performance.now() - lookedAt < nodesMs - 100) continue
      // The stream goes on meanwhile. What is lost, it says itself.
      looking = look().catch((error: unknown) => {
        if (error instanceof Lost) return
        failure = error
        stopping.abort()
      }).finally(() => { looking = undefined })
    }
    throw new Lost('the server has ended the stream')
  }

  while (!signal.aborted) {
    try {
      await listen()
    } catch (error) {
      if (failure !== undefined) throw failure
      if (signal.aborted) return
      if (!(error instanceof Lost)) throw error
      if (!hasBegun) throw new CommandError(`top: ${error.message}; signalbox doctor URL says more`)
      lost(error.message)
      await delay(waitMs, undefined, { signal }).catch(() => {})
      waitMs = Math.min(longestWaitMs, waitMs * 2)
    }
  }
}
