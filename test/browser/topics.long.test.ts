import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

/** The page's script: those of y-webrtc or Trystero, of which each test opens one. */
declare const client: typeof import('./pages/y-webrtc.js') & typeof import('./pages/trystero.js')

const open = await launch(t)
const env = { DIALECTS: 'topics' }
const urlAt = (app: FastifyInstance, path: string) => urlOf(app).replace('http', 'ws') + path

/** Where two pages connect: at one node, or each at its own. */
const places: Record<string, (t: Test) => Promise<readonly [FastifyInstance, FastifyInstance]>> = {
  async 'one node' (t) {
    const app = await build(t, env)
    return [app, app]
  },
  async 'two nodes' (t) {
    const { apps: [one, other] } = await nodesOn(t, 2, env)
    return [one as FastifyInstance, other as FastifyInstance]
  }
}

for (const [place, start] of Object.entries(places)) {
  t.test(`two Y.Doc replicas of y-webrtc pages converge on ${place}`, async (t) => {
    const nodes = await start(t)
    const [a, b] = await Promise.all([open(t, 'y-webrtc.ts'), open(t, 'y-webrtc.ts')])
    // A publisher hears itself. From then on it is subscribed, and only it answers the next one to come.
    const heardItself = new Promise<void>((resolve) => a.on('websocket', (socket) => socket.on('framereceived', () => resolve())))
    await a.evaluate((url) => client.share(url, 'my-room', 'a secret'), urlAt(nodes[0], '/topics'))
    await a.evaluate(() => client.write('from a'))
    await heardItself
    await b.evaluate((url) => client.share(url, 'my-room', 'a secret'), urlAt(nodes[1], '/y-webrtc'))
    await b.evaluate(() => client.write('from b'))
    const both = await Promise.all([a, b].map(async (page) => await page.evaluate(async () => await client.linesOf(2))))
    t.same(both[0]?.toSorted(), ['from a', 'from b'])
    t.same(both[1], both[0])
  })

  t.test(`two pages of Trystero with its ws-relay meet on ${place}, and one hears that the other leaves`, async (t) => {
    const nodes = await start(t)
    const [a, b] = await Promise.all([open(t, 'trystero.ts'), open(t, 'trystero.ts')])
    await a.evaluate((url) => client.enter(url, 'room'), urlAt(nodes[0], '/topics'))
    await b.evaluate((url) => client.enter(url, 'room'), urlAt(nodes[1], '/topics'))
    t.same(await Promise.all([
      a.evaluate(async () => await client.exchange('from a')), b.evaluate(async () => await client.exchange('from b'))
    ]), ['from b', 'from a'])
    await a.evaluate(async () => await client.leave())
    await b.evaluate(async () => await client.hearLeave())
  })
}
