import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse, fits, isAccessible } from './browse.js'
import { call, linkOf, moves, say, titles } from './demo-pages.js'

const browser = await startChromium(t)

t.test('the demo can be used by everybody, at any width, in light and dark', async (t) => {
  const app = await build(t)
  const viewport = { width: 360, height: 740 }
  const waiting = await browse(t, browser, app, '/demo', { viewport })
  await linkOf(waiting)
  await fits(t, waiting)
  await isAccessible(t, waiting)
  const [first, second] = await call(t, browser, app, 'tom', { viewport })
  await say(first, second, 'a-word-that-is-much-longer-than-a-line-of-a-phone-and-has-no-place-to-break-it-anywhere')
  await second.getByRole('button', { name: 'Show my camera' }).click()
  await moves(first, 'The other page’s camera')
  await first.getByRole('button', { name: /offer/ }).first().click()
  await first.getByText('an address of the device itself').first().waitFor()
  for (const width of [360, 800, 1280]) {
    await first.setViewportSize({ width, height: 800 })
    await fits(t, first)
    for (const colorScheme of ['light', 'dark'] as const) {
      await first.emulateMedia({ colorScheme })
      await isAccessible(t, first)
    }
  }
})

t.test('the demo is used with the keyboard alone', async (t) => {
  const page = await browse(t, browser, await build(t), '/demo#dialect=rooms')
  await linkOf(page)
  await page.getByRole('radio', { name: titles.rooms }).focus()
  await page.keyboard.press('ArrowRight')
  await page.getByRole('button', { name: 'register from this page to the server' }).focus()
  await page.keyboard.press('Enter')
  await page.getByLabel('Content of register').waitFor()
})
