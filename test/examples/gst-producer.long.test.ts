import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { launch } from '../browser/browser.js'
import { peerPages, whereIs } from '../browser/peerjs-pages.js'
import { build, urlOf } from '../helper.js'

declare const client: typeof import('../browser/pages/peerjs.js') & typeof import('../browser/pages/gst.js') &
  typeof import('../browser/pages/whip.js')

const open = await launch(t)
const { join } = peerPages(open)
const script = fileURLToPath(new URL('../../examples/gst/producer.py', import.meta.url))
const gstOf = (app: FastifyInstance): string => `${urlOf(app).replace('http', 'ws')}/gst`

/** The example as it is, with the Python and the GStreamer of the system. Answers its id, and how to end it. */
async function produce (t: Test, app: FastifyInstance): Promise<{ id: string, end: () => Promise<void> }> {
  const child = spawn('/usr/bin/python3', [script, '--server', gstOf(app)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const end = async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  t.teardown(end)
  for await (const line of createInterface(child.stdout)) {
    const [, id] = /^here as (.*)$/.exec(line) ?? []
    if (id !== undefined) return { id, end }
  }
  throw new Error(`the producer has ended: ${said}`)
}

t.test('a page of gstwebrtc-api plays what the example in Python produces, and hears its end', async (t) => {
  const app = await build(t, { DIALECTS: 'gst' })
  const { end } = await produce(t, app)
  const viewer = await open(t, 'gst.ts')
  await viewer.evaluate(async (url) => await client.connect(url, 'viewer'), gstOf(app))
  t.same(await viewer.evaluate(async () => await client.consume()), { name: 'camera', hasPicture: true })
  await end()
  await viewer.evaluate(async () => await client.hearEnd())
})

t.test('two PeerJS pages call it through the bridge, and it answers both', async (t) => {
  const app = await build(t, { DIALECTS: 'gst,peerjs', BRIDGE: 'peerjs-gst' })
  const { id, end } = await produce(t, app)
  const viewers = [await join(t, whereIs(app), 'alice'), await join(t, whereIs(app), 'bob')]
  for (const viewer of viewers) {
    await viewer.evaluate((id) => client.view(`gst:${id}`), id)
    t.match(await viewer.evaluate(async () => await client.see(25)), { hasPicture: true })
    t.equal(await viewer.evaluate(() => client.isViewing()), true)
  }
  await end()
  for (const viewer of viewers) t.equal(await viewer.evaluate(async () => await client.viewClosed()), true)
})

t.test('whip-whep plays it over HTTP, and the example hears when that ends', async (t) => {
  const app = await build(t, { DIALECTS: 'gst,whep', BRIDGE: 'whep-gst' })
  const { id } = await produce(t, app)
  const player = await open(t, 'whip.ts')
  await player.evaluate(async (endpoint) => await client.view(endpoint), `${urlOf(app)}/whep/gst:${id}`)
  t.ok(await player.evaluate(async () => await client.decoded(25)) >= 25)
  await player.evaluate(async () => await client.hangUp())
  t.ok((await player.evaluate(() => client.state())).requests.includes('DELETE 200'))
})

t.test('the example has under 100 lines', async (t) => {
  t.ok(readFileSync(script, 'utf8').trimEnd().split('\n').length < 100)
})
