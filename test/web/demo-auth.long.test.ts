import type { Page } from 'playwright-core'
import t from 'tap'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse, isAccessible } from './browse.js'
import { dialects, linkOf, stateIs } from './demo-pages.js'

const browser = await startChromium(t)

t.test('with auth the demo asks for a token, says what is wrong with it, and calls with a good one', async (t) => {
  const app = await build(t, withSecret)
  const expected = /401/
  for (const dialect of dialects) {
    const first = await browse(t, browser, app, `/demo#dialect=${dialect}`, { expected })
    const enter = async (page: Page, token: string) => {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Connect', exact: true }).click()
    }
    await enter(first, 'not a token')
    await first.getByText('This is not a JSON Web Token').waitFor()
    await enter(first, tokenFor({ sub: 'alice' }, { key: 'another secret, and 32 bytes long too' }))
    await stateIs(first, 'The server does not accept this token.')
    await isAccessible(t, first)
    await enter(first, tokenFor({ sub: 'alice', groups: ['team-*'] }))
    const link = await linkOf(first)
    t.notMatch(link, /eyJ/, 'the link has no token')
    const second = await browse(t, browser, app, link, { expected })
    await enter(second, tokenFor({ sub: 'bob', ids: ['demo-*'] }))
    for (const page of [first, second]) await stateIs(page, 'Connected')
  }
})

t.test('a token that does not allow the dialect is named as the fault', async (t) => {
  const page = await browse(t, browser, await build(t, withSecret), '/demo#dialect=tom')
  await page.getByLabel('Token').fill(tokenFor({ sub: 'alice', dialects: ['rooms'] }))
  await page.getByLabel('Token').press('Enter')
  await stateIs(page, 'The token does not allow this.')
})
