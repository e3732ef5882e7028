import type { Page } from 'playwright-core'
import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/psync.js')

const open = await launch(t)

/** Two pages say their names to each other. */
async function talk (one: Page, oneId: string, other: Page, otherId: string): Promise<string[]> {
  const exchange = async (page: Page, to: string, text: string) =>
    await page.evaluate(async ([to, text]) => await client.exchange(to, text), [to, text] as const)
  return await Promise.all([exchange(one, otherId, `I am ${oneId}`), exchange(other, oneId, `I am ${otherId}`)])
}

for (const path of ['/ws', '/']) {
  t.test(`PSync pages at ${path} that behave like the daemon find each other: a newcomer offers to everybody in the group`, async (t) => {
    const url = urlOf(await build(t)).replace('http', 'ws') + path
    const [a, b, c] = await Promise.all([open(t, 'psync.ts'), open(t, 'psync.ts'), open(t, 'psync.ts')])
    const register = async (page: Page, id: string) =>
      await page.evaluate(async ([url, id]) => await client.register(url, id, 'my-group'), [url, id] as const)

    t.same(await register(a, 'peer-a'), [], 'the first is alone, and offers to nobody')
    t.same(await register(b, 'peer-b'), ['peer-a'])
    t.same(await talk(a, 'peer-a', b, 'peer-b'), ['I am peer-b', 'I am peer-a'])
    t.same((await register(c, 'peer-c')).sort(), ['peer-a', 'peer-b'])
    t.same(await talk(a, 'peer-a', c, 'peer-c'), ['I am peer-c', 'I am peer-a'])
    t.same(await talk(b, 'peer-b', c, 'peer-c'), ['I am peer-c', 'I am peer-b'])

    for (const page of [a, b, c]) {
      const [candidate] = await page.evaluate(() => client.candidatesTaken())
      t.match(candidate?.candidate, /^candidate:/)
      t.same(Object.keys(candidate ?? {}), ['candidate', 'sdp_mid'], 'flat, in snake case, and without an index that is 0')
    }
  })
}
