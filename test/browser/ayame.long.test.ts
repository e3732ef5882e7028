import t from 'tap'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { build, urlOf } from '../helper.js'
import { startRedis } from '../redis.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/ayame.js')

const open = await launch(t)
const env = { DIALECTS: 'ayame' }
const signaling = (app: Parameters<typeof urlOf>[0]) => `${urlOf(app).replace('http', 'ws')}/signaling`

t.test('two pages of the Ayame SDK call each other, a third is told that the room is full, and who is left hears bye', async (t) => {
  const app = await build(t, env)
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

t.test('a token in authnMetadata lets pages of the Ayame SDK in, and who has none is told', async (t) => {
  const app = await build(t, { ...env, ...withSecret })
  const url = signaling(app)
  const [a, b, c] = await Promise.all([open(t, 'ayame.ts'), open(t, 'ayame.ts'), open(t, 'ayame.ts')])
  for (const [page, sub] of [[a, 'alice'], [b, 'bob']] as const) {
    const token = tokenFor({ sub, rooms: ['room'] })
    await page.evaluate(async ({ url, token }) => await client.enter(url, 'room', { token }), { url, token })
  }
  t.same(await Promise.all([
    a.evaluate(async () => await client.exchange('from a')), b.evaluate(async () => await client.exchange('from b'))
  ]), ['from b', 'from a'])
  await c.evaluate(async (url) => await client.enter(url, 'another room'), url)
  t.equal(await c.evaluate(async () => await client.told()), 'not allowed')
})

t.test('pages of the Ayame SDK on two nodes see each other', async (t) => {
  const { url } = await startRedis(t)
  const nodes = [await build(t, { ...env, REDIS_URL: url }), await build(t, { ...env, REDIS_URL: url })]
  const pages = await Promise.all(nodes.map(async () => await open(t, 'ayame.ts')))
  for (const [at, page] of pages.entries()) {
    await page.evaluate(async (url) => await client.enter(url, 'room', { hasMedia: true }), signaling(nodes[at] as typeof nodes[0]))
  }
  const seen = await Promise.all(pages.map(async (page) => await page.evaluate(async () => await client.see())))
  const picture = { kinds: ['audio', 'video'], hasPicture: true }
  t.same(seen, [picture, picture])
})
