import t from 'tap'
import { build, urlOf } from '../helper.js'
import { startRedis } from '../redis.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/ayame.js')

const open = await launch(t)
const plugin = { PLUGINS: './examples/ayame/index.js' }
const signaling = (app: Parameters<typeof urlOf>[0]) => `${urlOf(app).replace('http', 'ws')}/signaling`

t.test('two pages of the Ayame SDK call each other, a third is told that the room is full, and who is left hears bye', async (t) => {
  const app = await build(t, plugin)
  const url = signaling(app)
  const [a, b, c] = await Promise.all([open(t, 'ayame.ts'), open(t, 'ayame.ts'), open(t, 'ayame.ts')])
  for (const page of [a, b]) await page.evaluate(async (url) => await client.enter(url, 'room'), url)
  const said = await Promise.all([
    a.evaluate(async () => await client.exchange('from a')), b.evaluate(async () => await client.exchange('from b'))
  ])
  t.same(said, ['from b', 'from a'])
  await c.evaluate(async (url) => await client.enter(url, 'room'), url)
  t.equal(await c.evaluate(async () => await client.told()), 'full')
  await a.evaluate(async () => await client.leave())
  t.equal(await b.evaluate(async () => await client.told()), 'bye')
})

t.test('pages of the Ayame SDK on two nodes see each other', async (t) => {
  const { url } = await startRedis(t)
  const nodes = [await build(t, { ...plugin, REDIS_URL: url }), await build(t, { ...plugin, REDIS_URL: url })]
  const pages = await Promise.all(nodes.map(async () => await open(t, 'ayame.ts')))
  for (const [at, page] of pages.entries()) {
    await page.evaluate(async (url) => await client.enter(url, 'room', true), signaling(nodes[at] as typeof nodes[0]))
  }
  const seen = await Promise.all(pages.map(async (page) => await page.evaluate(async () => await client.see())))
  const picture = { kinds: ['audio', 'video'], hasPicture: true }
  t.same(seen, [picture, picture])
})
