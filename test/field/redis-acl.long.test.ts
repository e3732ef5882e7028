import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Redis } from 'ioredis'
import { surviveContract } from '../../src/testing/contract.js'
import { alternate } from '../../src/testing/nodes.js'
import type { Runner } from '../../src/testing/runner.js'
import { heardOf, signal, tomPeer } from '../cluster/nodes.js'
import { build } from '../helper.js'
import { startCluster, startRedis } from '../redis.js'
import { subjects } from '../routes/dialects.js'

const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
const [, rules = ''] = /With ACLs, the user needs `([^`]+)`/.exec(page) ?? []
const databases = 1024

/** A user that may do what the page says, and nothing else. */
async function letIn (client: Redis, more: readonly string[] = []): Promise<void> {
  await client.acl('SETUSER', 'signalbox', 'on', '>secret', ...rules.split(' '), ...more)
}

function asUser (url: string): string {
  return url.replace('//', '//signalbox:secret@')
}

/** What Redis has refused: for each user and command once. */
async function refusals (client: Redis): Promise<string[]> {
  const log = await client.acl('LOG') as unknown[][]
  return log.map((entry) => `${String(entry[entry.indexOf('reason') + 1])} ${String(entry[entry.indexOf('object') + 1])}`)
}

t.jobs = subjects.length
/** Only buffered tests of tap run at the same time. */
const parallel: Runner = { test: (title, body) => t.test(title, { buffered: true }, body) }
const shared = startRedis(t, undefined, ['--databases', String(databases)])
const allowed = shared.then(async ({ client }) => await letIn(client))
let database = 0

for (const subject of subjects) {
  surviveContract(parallel, {
    ...subject,
    async build (t, env = {}) {
      await allowed
      const settings = { NODE_LEASE_MS: '5000', ...env, REDIS_URL: `${asUser((await shared).url)}/${database++}` }
      const app = await build(t, settings)
      alternate(app, await build(t, settings))
      return app
    }
  })
}

t.test('with the ACL that docs/scaling.md names, Redis refused nothing of all that', async (t) => {
  const { client } = await shared
  t.ok(database > 0 && database <= databases)
  t.same(await refusals(client), [])
  t.match(await client.acl('DRYRUN', 'signalbox', 'FLUSHALL'), /no permissions/, 'and the user is not almighty')
})

t.test('INFO may be left out', async (t) => {
  const { client, url } = await startRedis(t)
  await letIn(client, ['-info'])
  await meet(t, asUser(url))
})

t.test('the same ACL serves a Redis Cluster', async (t) => {
  const { nodes, urls } = await startCluster(t)
  for (const { client } of nodes) await letIn(client)
  await meet(t, urls.map(asUser).join())
  for (const { client } of nodes) t.same(await refusals(client), [])
})

async function meet (t: Test, REDIS_URL: string): Promise<void> {
  const [a, b] = [await tomPeer(t, await build(t, { REDIS_URL }), 'a'), await tomPeer(t, await build(t, { REDIS_URL }), 'b')]
  await heardOf(a, 'b')
  a.send(signal('a', 'b', 'hello'))
  t.match(await b.nextOf('signal'), { payload: 'hello' })
}
