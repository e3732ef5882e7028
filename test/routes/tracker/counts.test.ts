import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { totals, until } from '../../helper.js'
import { build, counts, hash, isCounts, peer, stranger } from './swarm.js'

t.test('clients that announce together are told to come again apart, after 108 to 132 s', async (t) => {
  const alice = await stranger(t, await build(t), 'alice')
  const intervals: number[] = []
  for (let announce = 0; announce < 100; announce++) {
    alice.say()
    intervals.push((await alice.client.nextThat(isCounts)).interval as number)
  }
  t.ok(intervals.every((interval) => Number.isInteger(interval) && interval >= 108 && interval <= 132), intervals.join())
  t.ok(new Set(intervals).size > 10)
})

t.test('an announce is answered with how many have everything and how many do not, the announcer among them', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await stranger(t, app, 'alice'), await stranger(t, app, 'bob')]
  t.same(await alice.announce({ event: 'started', left: 7 }), counts(0, 1))
  t.same(await bob.announce({ event: 'started', left: 0 }), counts(1, 1))
  t.same(await alice.announce({ event: 'update', left: 3 }), counts(1, 1), 'nobody counts twice')
  t.same(await alice.announce({ event: 'completed', left: 0 }), counts(2, 0))
  t.same(await alice.announce(), counts(2, 0), 'what is not said has not changed')
  t.same(await alice.announce({ left: 5 }), counts(1, 1), 'it has begun anew')
})

t.test('who does not know what is left has not everything', async (t) => {
  const app = await build(t)
  // Infinity is null in JSON: a client without metadata.
  for (const [at, left] of [null, undefined, '0', false, [], -1].entries()) {
    t.same(await (await stranger(t, app, `peer ${at}`)).announce({ left }), counts(0, at + 1), String(left))
  }
  t.same(await (await stranger(t, app, 'seeder')).announce({ left: null, event: 'completed' }), counts(1, 6))
})

t.test('each of the events is an announce', async (t) => {
  const app = await build(t)
  const alice = await stranger(t, app, 'alice')
  for (const event of ['started', 'update', 'paused', 'empty', '', null, 'started']) t.same(await alice.announce({ event }), counts(0, 1))
})

t.test('stopped leaves the swarm, also for one that was not in it', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await peer(t, app, 'alice', { left: 0 }), await peer(t, app, 'bob')]
  t.same(await alice.announce({ event: 'stopped', left: 0 }), counts(0, 1))
  t.same(await alice.announce({ event: 'stopped', left: 0 }), counts(0, 1))
  t.same(await bob.announce({ event: 'stopped' }), counts(0, 0))
  await until(() => totals(app).peers === 0)
  t.same(await alice.announce({ left: 0 }), counts(1, 0), 'it may come back')
})

t.test('a socket that closes leaves all its swarms', async (t) => {
  const app = await build(t)
  const [alice, bob] = [await peer(t, app, 'alice', { left: 0 }), await stranger(t, app, 'bob')]
  await alice.announce({ info_hash: 'another', left: 1 })
  await alice.client.close()
  const empty = { complete: 0, incomplete: 0, downloaded: 0 }
  await until(async () => isDeepStrictEqual((await bob.scrape([hash, 'another'])).files, { [hash]: empty, another: empty }))
})

t.test('swarms do not mix', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'alice', { left: 0 })
  t.same(await alice.announce({ info_hash: 'seeders', left: 1 }), counts(0, 1, 'seeders'))
  t.same(await alice.announce({ info_hash: `swarm/${hash}`, left: 1 }), counts(0, 1, `swarm/${hash}`))
  t.same(await alice.announce({ info_hash: `seeders/${hash}`, left: 1 }), counts(0, 1, `seeders/${hash}`))
  t.same(await alice.announce(), counts(1, 0))
})
