import t from 'tap'
import { eventually, isReady, signal, tomPeer } from '../cluster/nodes.js'
import { urlOf } from '../helper.js'
import { start } from '../process.js'
import { type RedisServer, startRedis } from '../redis.js'

const members = 5_000
/** So many ask so often, a hundred times a second together. Those refused are answered: their connections would be cut only after more. */
const callers = 25
const questions = 8
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

  /** ms of many round trips between the two, sorted, and while somebody asks, if so. */
  async function roundTrips (path?: string): Promise<{ ms: number[], answers: number }> {
    let answers = 0
    let asking = path === undefined ? 0 : callers
    const asked = Promise.all(Array.from({ length: asking }, async () => {
      for (let question = 0; question < questions; question++) {
        const response = await fetch(urlOf(port) + path)
        const body = await response.json() as { clients: number } | string[]
        if ((Array.isArray(body) ? body.length : body.clients) === members) answers++
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
      asking--
    }))
    const ms = []
    for (let at = 0; path === undefined ? at < 300 : asking > 0; at++) {
      const startedAt = performance.now()
      a.send(signal('a', 'b', at))
      await b.nextThat(({ payload }) => payload === at)
      ms.push(performance.now() - startedAt)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await asked
    return { ms: ms.sort((one, other) => one - other), answers }
  }
  const median = ({ ms }: { ms: number[] }) => ms[ms.length >> 1] as number

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
