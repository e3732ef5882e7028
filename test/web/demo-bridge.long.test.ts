import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse, fits, isAccessible } from './browse.js'
import { dialects, linkOf, stateIs, titles } from './demo-pages.js'

const browser = await startChromium(t)
const title = 'PeerJS sees a drone'

t.test('a page with PeerJS sees the camera of a page that speaks drone, and both show the frames of their own dialect', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const camera = await browse(t, browser, app, '/demo')
  await camera.getByRole('radio', { name: title }).click()
  await stateIs(camera, 'Waiting for the other page')
  const link = await linkOf(camera)
  const viewer = await browse(t, browser, app, link)
  for (const page of [camera, viewer]) await stateIs(page, 'Connected')
  const decoded = await viewer.getByLabel('The other page’s camera').evaluate(async (element) => {
    const video = element as HTMLVideoElement
    let shown = 0
    for (; shown < 25; shown++) await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
    return { shown, hasPicture: video.videoWidth > 0 }
  })
  t.same(decoded, { shown: 25, hasPicture: true })
  await viewer.getByRole('button', { name: 'OFFER from this page to the other page' }).click()
  t.match(await viewer.getByLabel('Content of OFFER').textContent(), /"dst": "drone:demo-/)
  await camera.getByRole('button', { name: 'answer from this page to the other page' }).click()
  t.match(await camera.getByLabel('Content of answer').textContent(), /"target": "peerjs:demo-/)
  for (const page of [camera, viewer]) {
    await page.setViewportSize({ width: 360, height: 740 })
    await fits(t, page)
    await isAccessible(t, page)
  }

  await viewer.close()
  await stateIs(camera, 'The other page has gone')
  const again = await browse(t, browser, app, link)
  await stateIs(again, 'Connected')
  await camera.close()
  await stateIs(again, 'The other page has gone')
})

t.test('without a pair for it the demo offers no call between dialects, and a link to one says what to set', async (t) => {
  for (const env of [{}, { BRIDGE: 'drone>peerjs' }, { BRIDGE: 'peerjs-psync' }]) {
    const page = await browse(t, browser, await build(t, env), '/demo#dialect=bridge&meet=demo-x')
    await page.getByText('BRIDGE=peerjs-drone turns it on').waitFor()
    t.equal(await page.getByRole('radio').count(), dialects.length)
    for (const name of Object.values(titles)) await page.getByRole('radio', { name }).waitFor()
  }
})
