import { setTimeout as delay } from 'node:timers/promises'
import { type Bench, type Row, valuesOf } from './bench.js'
import type { Client } from './client.js'
import { type Figures, median } from './figures.js'
import { begin, each } from './measure.js'
import { dialects, join } from './protocols.js'
import { quiet, type Server, startSignalbox } from './servers.js'

const figure = 'server, %'

const peers = 10_000
/** Peers that one source address has: it has only so many ports. */
const peersOfAddress = 5000

/** The server pings every 30 s, and each measurement has as many pings. */
const measureMs = 30_000

/** What the page asks for now and again, and how often. In ms. */
interface Look {
  readonly paths: readonly string[]
  readonly everyMs: number
}

const ofNodes: Look = { paths: ['nodes'], everyMs: 5_000 }
/** Ten pages, and a second for each. */
const ofPeers: Look = { paths: Array.from({ length: peers / 1000 }, () => 'peers?limit=1000'), everyMs: 10_000 }
const ofRooms: Look = { paths: ['rooms?limit=200'], everyMs: 5_000 }

/** What the console costs a server with many peers, by what somebody looks at. */
export const consoleBench: Bench = {
  name: 'console',
  title: `Console: the share of a core that a server with ${peers} peers takes, and the page shows`,
  figure,
  async prepare ({ keep, rounds }) {
    const server = await keep(startSignalbox())
    const { drone } = dialects
    const enter = async (at: number): Promise<Client> =>
      await join(server.url, drone, `client${at}`, { name: '' }, `127.0.0.${1 + Math.floor(at / peersOfAddress)}`)
    const clients = await each(peers, 100, enter)
    let failure: Error | undefined
    for (const client of clients) client.onEnd = (error) => { failure ??= error }
    const whole = (figures: Figures): Figures => {
      if (failure !== undefined) throw failure
      return figures
    }
    await quiet(server)
    // By then the work that follows connecting, such as compiling hot code, is over.
    await delay(measureMs)
    const nobody = 'nobody looks: pings alone'
    const views: Record<string, readonly Look[]> = {
      'the overview': [ofNodes],
      'the peers': [ofNodes, ofPeers],
      'the rooms': [ofNodes, ofRooms]
    }
    return {
      setting: { peers, 'a measurement, s': measureMs / 1000 },
      rounds: Math.min(rounds, 3),
      cases: [
        { name: nobody, measure: async () => whole(await measured(server)) },
        ...Object.entries(views).map(([name, looks]) => ({ name, measure: async () => whole(await looking(server, looks)) }))
      ],
      checks: (rows) => [
        { name: `${nobody}, %`, value: of(rows, nobody), atMost: 1 },
        ...Object.keys(views).map((name) => ({ name: `${name}, %`, value: of(rows, name), atMost: 5 }))
      ]
    }
  }
}

function of (rows: readonly Row[], name: string): number {
  const row = rows.find((row) => row.name === name)
  return row === undefined ? NaN : median(valuesOf(row, figure))
}

async function measured (server: Server): Promise<Figures> {
  const end = begin(server)
  await delay(measureMs)
  return { ...end().shares }
}

/** The page is open, and shows one view. */
async function looking (server: Server, looks: readonly Look[]): Promise<Figures> {
  const closing = new AbortController()
  const { signal } = closing
  const admin = async (path: string): Promise<Response> => {
    const answer = await fetch(`${server.url.replace('ws', 'http')}/admin/${path}`, { signal })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer
  }
  const { body } = await admin('events')
  const work = [
    read(body as ReadableStream<Uint8Array>),
    ...looks.map(async ({ paths, everyMs }): Promise<never> => {
      while (true) {
        let after: string | undefined
        for (const path of paths) {
          const { next } = await (await admin(after === undefined ? path : `${path}&after=${after}`)).json() as { next?: string }
          after = next
        }
        await delay(everyMs, undefined, { signal })
      }
    })
  ]
  try {
    return await Promise.race([measured(server), ...work])
  } finally {
    closing.abort()
    await Promise.allSettled(work)
  }
}

async function read (body: ReadableStream<Uint8Array>): Promise<never> {
  const reader = body.getReader()
  while (!(await reader.read()).done);
  throw new Error('the stream has ended')
}
