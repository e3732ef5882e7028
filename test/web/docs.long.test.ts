import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse } from './browse.js'

t.test('/docs shows the routes by tag, under our name and icon', async (t) => {
  const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js' })
  const page = await browse(t, await startChromium(t), app, '/docs')
  await page.locator('.opblock-tag').first().waitFor()
  t.equal(await page.title(), 'API – Signalbox')
  t.same(await page.locator('.opblock-tag').evaluateAll((tags) => tags.map((tag) => tag.getAttribute('data-tag'))), [
    'server', ...(app.signalbox.config.DIALECTS ?? []), 'admin'
  ])
  t.equal(await page.locator('.topbar').count(), 0, 'there is no bar of another product')
  const icon = await page.getAttribute('link[rel=icon]', 'href') ?? ''
  t.match((await fetch(new URL(icon, page.url()))).headers.get('content-type'), 'image/svg+xml')
})
