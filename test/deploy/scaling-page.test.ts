import { readFileSync } from 'node:fs'
import t from 'tap'
import { scripts } from '../../src/state/redis/scripts/index.js'
import { connect, until } from '../helper.js'
import { start } from '../process.js'
import { startRedis } from '../redis.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'

const file = new URL('../../docs/scaling.md', import.meta.url)
const page = readFileSync(file, 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split(' | '))

/** The keys or channels that the page names. */
const documented = (column: number, what: RegExp): RegExp[] => rows.filter((row) => what.test(row[column] ?? '')).map(([name = '']) => {
  const pattern = name.replace(/^\| `|`.*$/g, '').replaceAll(/[{}]/g, '\\$&').replace('sb:B', 'sb:\\d+').replaceAll(/<[^>]+>/g, '[^]+')
  return new RegExp(`^${pattern}$`)
})

t.test('the page names every script, with as many keys as it has', async (t) => {
  for (const { name, numberOfKeys } of scripts) {
    const row = rows.find(([names = '']) => names.includes(`\`${name}\``))
    t.equal(row?.[1]?.split(', ').length, numberOfKeys, name)
  }
})

t.test('the page names every key and every channel that there is while clients of all dialects are connected', async (t) => {
  const redis = await startRedis(t)
  const { port } = await start(t, { REDIS_URL: redis.url, PEERJS_EXPIRE_TIMEOUT: '60000', RESUME_GRACE_MS: '60000' })
  for (const subject of builtIn) {
    const alice = await enter(t, port, subject, 'alice')
    await enter(t, port, subject, 'bob', { place: alice.place })
    if (subject.name === 'peerjs') alice.signal('nobody', 'kept')
    if (subject.name === 'drone') alice.send({ type: 'offer', target: 'bob', sdp: 'v=0' })
    await alice.settle()
  }
  const guess = await connect(t, port, '/rooms')
  guess.send({ type: 'join', roomId: '0' })
  await guess.nextThat((builtIn.find(({ name }) => name === 'rooms') as Subject).isError)
  // The second leaves the first empty.
  for (let room = 0; room < 2; room++) {
    guess.send({ type: 'create' })
    await guess.nextOf('room_created')
  }

  const away = await connect(t, port, '/tom')
  away.send({ type: 'register', nodeId: 'away', username: 'Away' })
  await away.nextOf('participants')
  away.socket.terminate()
  await until(async () => await redis.client.exists('{sb:0}:away') === 1)

  const keys = await redis.client.keys('*')
  const knownKeys = documented(1, /^(hash|number|text|list|set|sorted set)$/)
  t.same(keys.filter((key) => !knownKeys.some((known) => known.test(key))), [])
  t.same(knownKeys.filter((known) => !keys.some((key) => known.test(key))), [], 'and none that there is not')
  const channels = await redis.client.pubsub('CHANNELS') as string[]
  const knownChannels = documented(1, /^(that node|nodes with)/)
  t.same(channels.filter((channel) => !knownChannels.some((known) => known.test(channel))), [])
  t.same(knownChannels.filter((known) => !channels.some((channel) => known.test(channel))), [], 'and none that there is not')
})
