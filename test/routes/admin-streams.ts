import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { eventsIn } from '../../web/shared/event-stream.js'
import { urlOf } from '../helper.js'

export interface Stream {
  /** The data of the next event of this name that fits. Others before it are dropped. */
  readonly next: (event: string, fits?: (data: Record<string, unknown>) => boolean) => Promise<Record<string, unknown>>
  readonly end: () => void
}

/** What the console's routes answer, as far as tests look at it. */
export interface Told {
  readonly here: string
  readonly nodes: ReadonlyArray<{ readonly node: string, readonly status: string }>
  readonly silent: number
  readonly isComplete: boolean
  readonly rooms: readonly unknown[]
  readonly peers: ReadonlyArray<{ readonly connection: string, readonly id?: string }>
  readonly next?: string
}

/** A stream of server-sent events, closed with the test. */
export async function open (t: Test, app: FastifyInstance, path: string, headers: Record<string, string> = {}): Promise<Stream> {
  const aborting = new AbortController()
  t.teardown(() => aborting.abort())
  const answer = await fetch(`${urlOf(app)}/admin/${path}`, { headers, signal: aborting.signal })
  if (answer.body === null || answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  t.match(answer.headers.get('content-type'), /^text\/event-stream/)
  const events = eventsIn(answer.body)
  return {
    async next (name, fits = () => true) {
      while (true) {
        const { done, value } = await events.next()
        if (done === true) throw new Error(`${path} ended before ${name}`)
        const data = value.data as Record<string, unknown>
        if (value.event === name && fits(data)) return data
      }
    },
    end: () => aborting.abort()
  }
}
