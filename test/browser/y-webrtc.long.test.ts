import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/y-webrtc.js')

const open = await launch(t)

for (const password of [undefined, 'a secret of the room']) {
  const how = password === undefined ? 'in an open room' : 'their signals encrypted'
  t.test(`two Y.Doc replicas of y-webrtc pages converge, ${how}`, async (t) => {
    const app = await build(t, { PLUGINS: './examples/y-webrtc/index.js' })
    const args = { url: `${urlOf(app).replace('http', 'ws')}/y-webrtc`, password }
    const [a, b] = await Promise.all([open(t, 'y-webrtc.ts'), open(t, 'y-webrtc.ts')])

    // A publisher hears itself. From then on it is subscribed, and only it answers the next one to come.
    const heardItself = new Promise<void>((resolve) => a.on('websocket', (socket) => socket.on('framereceived', () => resolve())))
    await a.evaluate(({ url, password }) => client.share(url, 'my-room', password), args)
    await a.evaluate(() => client.write('from a'))
    await heardItself
    await b.evaluate(({ url, password }) => client.share(url, 'my-room', password), args)
    await b.evaluate(() => client.write('from b'))

    const both = await Promise.all([a, b].map(async (page) => await page.evaluate(async () => await client.linesOf(2))))
    t.same(both[0]?.toSorted(), ['from a', 'from b'])
    t.same(both[1], both[0])

    await b.evaluate(() => client.write('one more from b'))
    const all = await Promise.all([a, b].map(async (page) => await page.evaluate(async () => await client.linesOf(3))))
    t.same(all[0]?.toSorted(), ['from a', 'from b', 'one more from b'])
    t.same(all[1], all[0])
  })
}
