import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse } from './browse.js'
import { linkOf, say, stateIs } from './demo-pages.js'

const browser = await startChromium(t)

t.test('a third page finds the two in their call, which goes on', async (t) => {
  const app = await build(t)
  await Promise.all(['rooms', 'peerjs'].map(async (dialect) => {
    const first = await browse(t, browser, app, `/demo#dialect=${dialect}`)
    const link = await linkOf(first)
    const second = await browse(t, browser, app, link)
    await stateIs(first, 'Connected')
    const third = await browse(t, browser, app, link)
    await stateIs(third, 'No answer yet')
    await say(first, second, 'still here')
  }))
})
