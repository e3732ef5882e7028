import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Case } from './bench.js'
import { Client, frameOf } from './client.js'
import { begin, each } from './measure.js'
import { sdpOf } from './pairs.js'
import { type Server, startOther, startRedis, startSignalbox } from './servers.js'

const figure = 'CPU, µs/announce'
const original = 'npm `bittorrent-tracker`'

/** As many offers as its clients make, as long as those of Chromium. */
const offersEach = 5
const offerBytes = 800
/** Connections that are made at a time. */
const atOnce = 100
/** In one swarm. The original keeps 1 000 of a swarm. */
const peers = 900
/** Announces under way at any time: of 900 peers each has one. */
const window = 900
/** Over two nodes. */
const manyPeers = 5000

const hash = String.fromCharCode(...Array.from({ length: 20 }, (_, at) => at * 13))
const peerIdOf = (at: number) => `-WW0200-${String(at).padStart(12, '0')}`
const env = { DIALECTS: 'tracker' }

/** Peers of one swarm announce themselves again and again, as fast as they are answered, and get each other's offers. */
export const tracker: Bench = {
  name: 'tracker',
  title: `Tracker: announces with ${offersEach} offers in one swarm`,
  figure,
  async prepare ({ keep, isSmall, warmUpMs, measureMs }) {
    const times = { warmUpMs, measureMs }
    const add = (name: string, servers: readonly Server[], load: Omit<Load, keyof typeof times>, compared: Compared = {}): Case => ({
      name,
      ...compared,
      async measure () {
        const cpu = () => servers.reduce((sum, server) => sum + server.cpu(), 0)
        const { announces, span } = await announce({ ...load, ...times }, () => begin({ cpu }))
        return { [figure]: span.cpu * 1e6 / announces, 'announces/s': announces / span.seconds, ...span.shares }
      }
    })
    // It brings bufferutil.
    const theirs = await keep(startOther('tracker', { env: { WS_NO_BUFFER_UTIL: '' } }))
    const ours = await keep(startSignalbox({ env }))
    const cases = [
      add(original, [theirs], { urls: [theirs.url], peers }),
      add('Signalbox', [ours], { urls: [`${ours.url}/t`], peers }, { baseline: original, goal: 0.5 })
    ]
    if (!isSmall) {
      const redis = await keep(startRedis())
      const start = async () => await keep(startSignalbox({ env: { ...env, REDIS_URL: redis.url }, isFree: true }))
      const nodes = [await start(), await start()]
      const urls = nodes.map(({ url }) => `${url}/t`)
      cases.push(add(`Signalbox, ${manyPeers} peers over two nodes, with Redis`, [...nodes, redis], { urls, peers: manyPeers }))
    }
    return { setting: { peers, offers: offersEach, offerBytes, window, ...times }, cases }
  }
}

type Compared = Pick<Case, 'baseline' | 'goal'>

interface Load {
  /** Of the nodes, in turns. */
  readonly urls: readonly string[]
  readonly peers: number
  readonly warmUpMs: number
  readonly measureMs: number
}

/**
 * @param begin called when the measurement begins; its result is called when it ends
 * @throws when offers are lost, since the figures would mean nothing
 */
async function announce<Span> ({ urls, peers, warmUpMs, measureMs }: Load, begin: () => () => Span) {
  const done = { all: 0, measured: 0, offers: 0 }
  let isMeasuring = false
  let isOver = false
  const clients = await each(peers, atOnce, async (at) => {
    const client = await Client.connect(urls[at % urls.length] as string)
    const own = { action: 'announce', info_hash: hash, peer_id: peerIdOf(at), left: at % 2, numwant: offersEach }
    client.write(frameOf(JSON.stringify({ ...own, event: 'started', offers: [] })))
    await client.next()
    client.count(offerBytes, (frames) => { done.offers += frames })
    const made = Array.from({ length: offersEach }, (_, nth) => ({ offer: sdpOf(offerBytes), offer_id: peerIdOf(nth) }))
    return { client, frame: frameOf(JSON.stringify({ ...own, offers: made })) }
  })
  const driven = Promise.all(clients.slice(0, window).map(async (_, first) => {
    for (let at = first; ; at = at + window < peers ? at + window : first) {
      if (isOver) return
      const { client, frame } = clients[at] as typeof clients[0]
      client.write(frame)
      const text = await client.next()
      if (text.includes('failure reason')) throw new Error(`an announce got ${text}`)
      done.all++
      if (isMeasuring) done.measured++
    }
  }))
  await delay(warmUpMs)
  const end = begin()
  isMeasuring = true
  await delay(measureMs)
  isMeasuring = false
  const span = end()
  isOver = true
  await driven
  const deadline = performance.now() + 5000
  const lost = () => done.all * offersEach - done.offers
  while (lost() > 0) {
    if (performance.now() > deadline) throw new Error(`${lost()} of ${done.all * offersEach} offers were lost`)
    await delay(5)
  }
  for (const { client } of clients) client.destroy()
  return { announces: done.measured, span }
}
