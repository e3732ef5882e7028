import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearing, tokenFor, withSecret } from '../auth/tokens.js'
import { nodesOn } from '../cluster/nodes.js'
import { build, type Env, until, urlOf } from '../helper.js'
import { launch } from './browser.js'
import { peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js') & typeof import('./pages/whip.js') & typeof import('./pages/drone-camera.js')

const open = await launch(t)
const { join } = peerPages(open)

/** Pictures that are decoded before somebody counts as seen: a second of them. */
const pictures = 25
const settings: Env = { DIALECTS: 'peerjs,drone,whip,whep', BRIDGE: 'whip-peerjs,whep-drone' }

const ways: Record<string, (t: Test, env?: Env) => Promise<readonly [FastifyInstance, FastifyInstance]>> = {
  async 'on one node' (t, env = {}) {
    const app = await build(t, { ...settings, ...env })
    return [app, app]
  },
  async 'on two nodes' (t, env = {}) {
    const { apps: [one, other] } = await nodesOn(t, 2, { ...settings, ...env })
    return [one as FastifyInstance, other as FastifyInstance]
  }
}

const seen = { kinds: ['audio', 'video'], hasPicture: true }

for (const [where, start] of Object.entries(ways)) {
  for (const trickles of [false, true]) {
    const how = trickles ? 'with trickle' : 'with all candidates in its offer'
    t.test(`${where}: @eyevinn/whip-web-client publishes ${how} to a PeerJS page, which sees it and hears when it stops`, async (t) => {
      const [one, other] = await start(t)
      const [viewer, publisher] = [await join(t, whereIs(other), 'alice'), await open(t, 'whip.ts')]
      const endpoint = `${urlOf(one)}/whip/peerjs:alice`
      await publisher.evaluate(async ({ endpoint, trickles }) => await client.publishAsEyevinn(endpoint, trickles), { endpoint, trickles })
      t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), seen)
      const { requests, connection, offered, answered } = await publisher.evaluate(() => client.state())
      t.equal(connection, 'connected')
      t.ok(answered > 0, `${answered} candidates in the answer`)
      t.ok(requests.includes('POST 201'), requests.join())
      t.equal(requests.includes('PATCH 204'), trickles, `${requests.join()}; ${offered} candidates in the offer`)
      await publisher.evaluate(async () => await client.hangUp())
      t.ok((await publisher.evaluate(() => client.state())).requests.includes('DELETE 200'))
      t.equal(await viewer.evaluate(async () => await client.watchedClosed()), true)
    })
  }

  t.test(`${where}: whip-whep publishes with candidates that come after its offer alone`, async (t) => {
    const [one, other] = await start(t)
    const [viewer, publisher] = [await join(t, whereIs(other), 'alice'), await open(t, 'whip.ts')]
    await publisher.evaluate(async (endpoint) => await client.publish(endpoint), `${urlOf(one)}/whip/peerjs:alice`)
    t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), seen)
    const { requests, connection, offered } = await publisher.evaluate(() => client.state())
    t.same([connection, offered], ['connected', 0])
    t.ok(requests.includes('PATCH 204'), requests.join())
  })

  t.test(`${where}: whip-whep watches a camera that speaks drone`, async (t) => {
    const [one, other] = await start(t)
    const [camera, viewer] = [await open(t, 'drone-camera.ts'), await open(t, 'whip.ts')]
    const url = `${urlOf(other).replace('http', 'ws')}/drone`
    await camera.evaluate(async (url) => await client.register(url, 'cam-1'), url)
    await viewer.evaluate(async (endpoint) => await client.view(endpoint), `${urlOf(one)}/whep/drone:cam-1`)
    const decoded = await viewer.evaluate(async (pictures) => await client.decoded(pictures), pictures)
    t.ok(decoded >= pictures, `${decoded} pictures decoded`)
    await viewer.evaluate(async () => await client.hangUp())
    t.ok((await viewer.evaluate(() => client.state())).requests.includes('DELETE 200'))
    await until(() => one.state.peers.here('whep').length === 0)
  })
}

t.test('with auth, a publisher shows its token, from a page of another origin', async (t) => {
  const app = await build(t, { ...settings, ...withSecret })
  const viewer = await join(t, { ...whereIs(app), token: tokenFor({ sub: 'alice' }) }, 'alice')
  const publisher = await open(t, 'whip.ts')
  const [endpoint, token] = [`${urlOf(app)}/whip/peerjs:alice`, tokenFor({ sub: 'p', bridge: ['peerjs'] })]
  await publisher.evaluate(async ([endpoint = '', token]) => await client.publish(endpoint, token), [endpoint, token])
  t.same(await viewer.evaluate(async (pictures) => await client.see(pictures), pictures), seen)
  t.equal((await fetch(endpoint, { method: 'OPTIONS', ...bearing({ sub: 'p' }) })).status, 200)
})
