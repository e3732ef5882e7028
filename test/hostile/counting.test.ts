import t from 'tap'
import { eventually, isReady, signal, tomPeer } from '../cluster/nodes.js'
import { urlOf } from '../helper.js'
import { start } from '../process.js'
import { type RedisServer, startRedis } from '../redis.js'

const members = 5_000
/** So many ask again and again, a hundred times a second together. */
const callers = 25
const pauseMs = 250

/** A room full of peers of another node. */
async function fill ({ client }: RedisServer, room: string): Promise<void> {
  const pipeline = client.pipeline()
  for (let at = 0; at < members; at++) {
    const value = ['elsewhere', `epoch:${at}`, 'null', at, at, at, 0, 'null', `epoch:${at}`, '{"username":"somebody"}']
    pipeline.hset(`{sb:0}:members:${room}`, `peer ${at}`, value.join('\n'))
  }
  await pipeline.exec()
}

async function copies ({ client }: RedisServer): Promise<number> {
  return Number(/cmdstat_hgetall:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
}

t.test('asking how many there are, and who, leaves an honest pair alone on a node that has none of them', async (t) => {
  const redis = await startRedis(t)
  await fill(redis, 'drone')
  const { port, child } = await start(t, { REDIS_URL: redis.url, CONNECT_RATE: '1000000', MESSAGE_RATE: '100000', ALLOW_DISCOVERY: 'true' })
  await eventually(async () => await isReady(port))
  const [a, b] = [await tomPeer(t, port, 'a'), await tomPeer(t, port, 'b')]

  /** ms of many round trips between the two, sorted, while somebody asks. */
  async function roundTrips (path?: string): Promise<{ ms: number[], answers: number }> {
    const over = new AbortController()
    let answers = 0
    const asking = Promise.all(Array.from({ length: path === undefined ? 0 : callers }, async () => {
      while (!over.signal.aborted) {
        const response = await fetch(urlOf(port) + path)
        const body = await response.json() as { clients: number } | string[]
        if ((Array.isArray(body) ? body.length : body.clients) === members) answers++
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }))
    const ms = []
    for (let at = 0; at < 300; at++) {
      const startedAt = performance.now()
      a.send(signal('a', 'b', at))
      await b.nextThat(({ payload }) => payload === at)
      ms.push(performance.now() - startedAt)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    over.abort()
    await asking
    return { ms: ms.sort((one, other) => one - other), answers }
  }
  const median = ({ ms }: { ms: number[] }) => ms[ms.length / 2] as number

  const quiet = await roundTrips()
  const before = await copies(redis)
  const counting = await roundTrips('/drone/health')
  t.ok(counting.answers >= 100, `${counting.answers} answers, all of them true`)
  t.equal(await copies(redis) - before, 0, 'for which nobody copied the room')
  t.comment(`median of a round trip: quiet ${median(quiet).toFixed(2)} ms, counted ${median(counting).toFixed(2)} ms`)
  t.ok(median(counting) < 2 * median(quiet) + 5)

  const listing = await roundTrips('/drone/peers')
  const copied = await copies(redis) - before
  t.ok(listing.answers >= callers, `${listing.answers} lists, all of them whole`)
  t.ok(copied * 2 < listing.answers, `from ${copied} copies: those who ask at once share one`)
  t.equal(child.exitCode, null)
})
