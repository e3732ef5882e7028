import t from 'tap'
import { build, hash, peer, stranger } from './swarm.js'

const flags = { min_request_interval: 120 }

t.test('a scrape has the counts of the swarms that it names', async (t) => {
  const app = await build(t)
  await peer(t, app, 'alice', { left: 0 })
  await peer(t, app, 'bob')
  const carol = await stranger(t, app, 'carol')
  const here = { complete: 1, incomplete: 1, downloaded: 1 }
  const empty = { complete: 0, incomplete: 0, downloaded: 0 }
  t.same(await carol.scrape(hash), { action: 'scrape', files: { [hash]: here }, flags })
  t.same(await carol.scrape([hash, hash, '\0', 'constructor']), {
    action: 'scrape', files: { [hash]: here, '\0': empty, constructor: empty }, flags
  })
  const { files } = await carol.scrape(['__proto__']) as { files: object }
  t.same(Object.entries(files), [['__proto__', empty]], 'a hash like any other')
  t.same(await carol.scrape([hash]), { action: 'scrape', files: { [hash]: here }, flags }, 'who asks is in none of them')
})

t.test('nobody is told of all swarms', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'alice')
  for (const hashes of [undefined, null, [], {}, true, Array.from({ length: 75 }, () => 'x')]) {
    t.same(await alice.scrape(hashes), { action: 'announce', 'failure reason': 'a scrape names 1 to 74 hashes', info_hash: '' })
  }
  t.equal(Object.keys((await alice.scrape(Array.from({ length: 74 }, (_, at) => String(at)))).files as object).length, 74)
})
