import t from 'tap'
import { launch } from '../browser/browser.js'
import { build, urlOf } from '../helper.js'

declare const client: typeof import('../browser/pages/peerjs-mounts.js')

const open = await launch(t)
const rounds = 25

for (const isOpen of [false, true]) {
  const state = isOpen ? 'open' : 'still connecting'
  t.test(`a page that destroys its ${state} peer, and makes another of the same id in the same tick, is let in every time`, async (t) => {
    const port = Number(new URL(urlOf(await build(t))).port)
    const page = await open(t, 'peerjs-mounts.ts')
    const options = { host: '127.0.0.1', port, config: { iceServers: [] } }
    const ends = await page.evaluate(async ({ options, isOpen, rounds }) => {
      return await client.mountTwice(options, 'component', isOpen, rounds)
    }, { options, isOpen, rounds })
    t.same(new Set(ends), new Set(['open']))
    t.equal(ends.length, isOpen ? 2 * rounds : rounds)
  })
}
