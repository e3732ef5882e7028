import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build } from '../helper.js'
import { browse } from './browse.js'
import { call, dialects, linkOf, moves, say, stateIs, titles } from './demo-pages.js'

const browser = await startChromium(t)

/** The frames of a call, as the diagram of who made the link names them. */
const frames: Record<keyof typeof titles, string[]> = {
  peerjs: [
    'OPEN from the server to this page',
    'OFFER from the other page',
    'ANSWER from this page to the other page'
  ],
  rooms: [
    'create from this page to the server',
    'signal · offer from the other page',
    'signal · answer from this page to the other page'
  ],
  psync: [
    'register from this page to the server',
    'offer from the other page',
    'answer from this page to the other page'
  ],
  drone: [
    'registered from the server to this page',
    'offer from the other page',
    'answer from this page to the other page'
  ],
  tom: [
    'participants from the server',
    'signal · offer from the other page',
    'signal · answer from this page to the other page'
  ]
}

for (const dialect of dialects) {
  t.test(`${dialect}: two pages come to a call, and each shows its signaling, texts, pictures and path`, async (t) => {
    const app = await build(t)
    const [first, second] = await call(t, browser, app, dialect)
    t.equal(await first.getByRole('radio', { name: titles[dialect] }).isChecked(), true)
    await say(first, second, 'hello from the first')
    await say(second, first, 'hello from the second')

    for (const frame of frames[dialect]) await first.getByRole('button', { name: frame }).first().waitFor()
    await first.getByRole('button', { name: /offer from the other page/i }).click()
    const content = first.getByLabel(/^Content of .*offer/i)
    t.match(await content.textContent(), /"type": "(offer|OFFER|signal)"[^]*\n +a=ice-ufrag:/, 'pretty, the lines of the SDP too')

    // Both at once: neither may disturb the other.
    await Promise.all([first, second].map(async (page) => {
      await page.getByRole('button', { name: 'Show my camera' }).click()
      await moves(page, 'Your camera')
      await moves(page, 'The other page’s camera')
    }))
    await first.getByRole('button', { name: 'Stop my camera' }).click()
    await second.getByText('The other page shows no camera.').waitFor()

    for (const page of [first, second]) {
      await page.getByText('an address of the device itself').first().waitFor()
      await page.getByText('udp').first().waitFor()
    }
    await second.close()
    await stateIs(first, 'The other page has gone')
    const third = await browse(t, browser, app, await linkOf(first))
    await stateIs(third, 'Connected')
    await say(third, first, 'hello from the third')
  })
}
