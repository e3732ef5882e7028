import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/psync.js')

const open = await launch(t)

for (const path of ['/ws', '/']) {
  t.test(`two PSync pages at ${path} find each other in their group and talk over their own connection`, async (t) => {
    const url = urlOf(await build(t)).replace('http', 'ws') + path
    const [a, b] = await Promise.all([open(t, 'psync.ts'), open(t, 'psync.ts')])

    const first = await a.evaluate(async (url) => await client.register(url, 'peer-a', 'my-group'), url)
    t.same(first.payload, { peers: [] })
    const second = await b.evaluate(async (url) => await client.register(url, 'peer-b', 'my-group'), url)
    t.match(second.payload, { peers: [{ id: 'peer-a', group_id: 'my-group', last_seen: String }] })
    t.equal(await a.evaluate(async () => await client.callWhoJoins()), 'peer-b')

    const texts = await Promise.all([
      a.evaluate(async () => await client.exchange('hello from a')),
      b.evaluate(async () => await client.exchange('hello from b'))
    ])
    t.same(texts, ['hello from b', 'hello from a'])
  })
}
