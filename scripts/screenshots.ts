/**
 * `npm run screenshots [FOLDER]`: a picture of every page, light, dark and narrow. Those that README and docs show go to `docs/images`,
 * too.
 */
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { chromiumPath, chromiumSwitches } from './chromium.js'
import { createService, readConfig } from '../src/index.js'

const [folder = 'build/screenshots'] = process.argv.slice(2)
/** The pictures that docs and README show, by the name they have there. */
const shown: Readonly<Record<string, string>> = { 'demo-light': 'demo', 'console-dark': 'console', 'test-light': 'test' }
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 960 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 960 } },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 740 } }
} as const
type Look = keyof typeof looks

const env = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent', CONNECT_RATE: '100000', BRIDGE: 'peerjs-drone' }
const app = createService(readConfig(env, []))
const base = await app.listen({ host: '127.0.0.1', port: 0 })

/** What is done on each page before its picture is taken. */
const pages: Readonly<Record<string, (page: Page, look: Look) => Promise<void>>> = {
  home: async (page) => await page.getByText('/tom').first().waitFor(),
  demo: inACall,
  test: async (page) => await page.getByText('checks done').waitFor({ state: 'detached', timeout: 60_000 }),
  console: async (page) => await page.locator('.uplot').first().waitFor(),
  docs: async (page) => await page.locator('.opblock-tag').last().waitFor()
}
const paths: Readonly<Record<string, string>> = { home: '/', demo: '/demo#dialect=peerjs', test: '/test?silence=1' }

/** The other page of the demo follows the link, and the two talk. */
async function inACall (page: Page, look: Look): Promise<void> {
  const link = await page.getByRole('link', { name: 'Open it in a new tab' }).getAttribute('href')
  const other = await open(link as string, look)
  for (const one of [page, other]) await one.getByRole('heading', { name: 'Connected' }).waitFor()
  for (const [from, to, text] of [[other, page, 'Can you see me?'], [page, other, 'Yes, and hear you.']] as const) {
    await from.getByRole('textbox', { name: 'Text' }).fill(text)
    await from.getByRole('textbox', { name: 'Text' }).press('Enter')
    await to.getByRole('log').getByText(text).waitFor()
  }
  await other.getByRole('button', { name: 'Show my camera' }).click()
  await page.getByLabel('The other page’s camera', { exact: true }).evaluate(async (video) => {
    await new Promise((resolve) => (video as HTMLVideoElement).requestVideoFrameCallback(resolve))
  })
  await page.evaluate(() => {
    (document.activeElement as HTMLElement).blur()
    scrollTo(0, 0)
  })
}

/** Peers for the console, which signal to each other. */
function crowd (): void {
  for (let at = 0; at < 40; at++) {
    const socket = new WebSocket(`${base.replace('http', 'ws')}/tom`)
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'register', nodeId: `node-${at}`, username: `Node ${at}` }))
      setInterval(() => {
        socket.send(JSON.stringify({ type: 'signal', from: `node-${at}`, to: `node-${(at + 1) % 40}`, payload: { type: 'offer' } }))
      }, 200 + at * 10).unref()
    })
  }
}

async function open (url: string, look: Look): Promise<Page> {
  const page = await (await browser.newContext(looks[look])).newPage()
  await page.goto(url)
  return page
}

async function picture (name: string, look: Look): Promise<void> {
  const page = await open(base + (paths[name] ?? `/${name}`), look)
  await pages[name]?.(page, look)
  // The charts of the console have something to show after some samples.
  if (name === 'console') await page.waitForTimeout(15_000)
  await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: look === 'narrow' })
  const known = shown[`${name}-${look}`]
  if (known !== undefined) await page.screenshot({ path: `docs/images/${known}.png` })
  for (const context of browser.contexts()) await context.close()
}

/** The camera of examples/camera, which speaks drone, and beside it the PeerJS page that sees it. */
async function bridge (): Promise<void> {
  const { port } = new URL(base)
  const frames = ['camera.html?iceServers=[]&server=ws://127.0.0.1:' + port + '/drone', 'viewer.html?host=127.0.0.1&port=' + port]
  const style = 'body { display: flex; margin: 0 } iframe { border: 0; width: 50%; height: 640px }'
  const both = `<style>${style}</style>${frames.map((src) => `<iframe allow="camera" src="/${src}"></iframe>`).join('')}`
  const context = await browser.newContext({ viewport: { width: 1400, height: 640 } })
  const files = createServer(({ url = '/' }, response) => {
    const [file = ''] = url.slice(1).split('?')
    response.setHeader('content-type', 'text/html').end(file === '' ? both : readFileSync(join('examples/camera', file)))
  }).listen(0, '127.0.0.1')
  await once(files, 'listening')
  await context.route('https://unpkg.com/**', async (route) => {
    await route.fulfill({ body: readFileSync('node_modules/peerjs/dist/peerjs.min.js', 'utf8') })
  })
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${(files.address() as AddressInfo).port}/`)
  const [camera, viewer] = [page.frameLocator('iframe >> nth=0'), page.frameLocator('iframe >> nth=1')]
  await camera.getByText('here as cam-1').waitFor()
  // The page may have called before the camera was there.
  if (await viewer.getByText('is not there').isVisible()) await viewer.locator('body').evaluate(() => location.reload())
  await viewer.getByText('this is cam-1').waitFor()
  await camera.getByText('seen by 1').waitFor()
  await viewer.locator('video').evaluate(async (video) => {
    await new Promise((resolve) => (video as HTMLVideoElement).requestVideoFrameCallback(resolve))
  })
  await page.screenshot({ path: 'docs/images/bridge.png' })
  await context.close()
  files.close()
}

mkdirSync(folder, { recursive: true })
mkdirSync('docs/images', { recursive: true })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...chromiumSwitches] })
await bridge()
crowd()
for (const name of Object.keys(pages)) {
  for (const look of Object.keys(looks) as Look[]) await picture(name, look)
}
await browser.close()
process.exit()
