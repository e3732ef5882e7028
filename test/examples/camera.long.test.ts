import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { startChromium } from '../browser/browser.js'
import { build, urlOf } from '../helper.js'

const folder = new URL('../../examples/camera/', import.meta.url)
const peerjs = new URL('../../node_modules/peerjs/dist/peerjs.min.js', import.meta.url)

/** The origin of the example's folder. */
async function serveFolder (t: Test): Promise<string> {
  const files = fastify({ forceCloseConnections: true })
  files.get<{ Params: { file: string } }>('/:file', async ({ params: { file } }, reply) =>
    await reply.type('text/html').send(await readFile(new URL(file, folder), 'utf8')))
  t.teardown(async () => await files.close())
  await files.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(files.server.address() as AddressInfo).port}`
}

t.test('the camera and the viewer of examples/camera, as they are: the viewer sees it, and hears when it goes', async (t) => {
  const origin = await serveFolder(t)
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const { port } = new URL(urlOf(app))
  const browser = await startChromium(t)
  const context = await browser.newContext()
  // The tests have no network of their own.
  await context.route('https://unpkg.com/**', async (route) => await route.fulfill({ body: await readFile(peerjs, 'utf8') }))
  const [camera, viewer] = [await context.newPage(), await context.newPage()]
  for (const page of [camera, viewer]) page.on('pageerror', (error) => t.fail(error.message))

  await camera.goto(`${origin}/camera.html?iceServers=[]&server=ws://127.0.0.1:${port}/drone`)
  await camera.getByText('here as cam-1, seen by 0').waitFor()
  await viewer.goto(`${origin}/viewer.html?host=127.0.0.1&port=${port}`)
  await viewer.getByText('this is cam-1').waitFor()
  await camera.getByText('here as cam-1, seen by 1').waitFor()
  const pictures = await viewer.evaluate(async () => {
    const video = document.querySelector('video') as HTMLVideoElement
    let shown = 0
    for (; shown < 25; shown++) await new Promise((resolve) => { video.requestVideoFrameCallback(resolve) })
    return shown
  })
  t.equal(pictures, 25)

  const again = await context.newPage()
  await again.goto(`${origin}/viewer.html?host=127.0.0.1&port=${port}`)
  await camera.getByText('seen by 2').waitFor()
  await again.close()
  await camera.getByText('seen by 1').waitFor()

  await camera.close()
  await viewer.getByText('cam-1 has gone').waitFor()
  await viewer.reload()
  await viewer.getByText('cam-1 is not there').waitFor()
})

t.test('the camera has under 100 lines', async (t) => {
  t.ok(readFileSync(new URL('camera.html', folder), 'utf8').split('\n').length < 100)
})
