/**
 * `npm run screenshots [FOLDER]`: a picture of every page, light, dark and narrow. Those that README and docs show go to `docs/images`,
 * too.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { chromiumPath, chromiumSwitches } from './chromium.js'
import { landscape } from './landscape.js'
import { createService, readConfig } from '../src/index.js'

const [folder = 'build/screenshots'] = process.argv.slice(2)
/** The pictures that docs and README show, by the name they have there. */
const shown: Readonly<Record<string, string>> = {
  'demo-light': 'demo',
  'bridge-light': 'bridge',
  'console-dark': 'console',
  'test-light': 'test'
}
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 960 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 960 } },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 740 } }
} as const
type Look = keyof typeof looks

async function serve (env: Record<string, string> = {}): Promise<string> {
  const app = createService(readConfig({ HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent', CONNECT_RATE: '100000', ...env }, []))
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

const base = await serve()
const bridged = await serve({ BRIDGE: 'peerjs-drone' })

/** What is done on each page before its picture is taken. */
const pages: Readonly<Record<string, (page: Page, look: Look) => Promise<void>>> = {
  home: async (page) => await page.getByText('/tom').first().waitFor(),
  demo: inACall,
  bridge: seesACamera,
  test: async (page) => await page.getByText('checks done').waitFor({ state: 'detached', timeout: 60_000 }),
  console: async (page) => await page.locator('.uplot').first().waitFor(),
  docs: async (page) => await page.locator('.opblock-tag').last().waitFor()
}
const paths: Readonly<Record<string, string>> = { home: '/', demo: '/demo#dialect=peerjs', bridge: '/demo', test: '/test?silence=1' }

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
  await showsPictures(page)
  await page.evaluate(() => {
    (document.activeElement as HTMLElement).blur()
    scrollTo(0, 0)
  })
}

/** The page is PeerJS, and sees the camera of another one that speaks drone. */
async function seesACamera (page: Page, look: Look): Promise<void> {
  const camera = await open(`${bridged}/demo#dialect=bridge`, look)
  const link = await camera.getByRole('link', { name: 'Open it in a new tab' }).getAttribute('href')
  await page.goto(link as string)
  await page.getByRole('heading', { name: 'Connected' }).waitFor()
  await showsPictures(page)
  await page.getByRole('list', { name: 'Frames' }).evaluate((list) => list.scrollTo(0, 0))
}

/** The first pictures are blurred, until the browsers know how much the network carries. */
async function showsPictures (page: Page): Promise<void> {
  await page.getByLabel('The other page’s camera', { exact: true }).evaluate(async (video) => {
    for (let shown = 0; shown < 100; shown++) await new Promise((resolve) => (video as HTMLVideoElement).requestVideoFrameCallback(resolve))
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
  // What the compiler adds to functions.
  await page.addInitScript('globalThis.__name = (given) => given')
  await page.addInitScript(landscape)
  await page.goto(url)
  return page
}

async function picture (name: string, look: Look): Promise<void> {
  const page = await open((name === 'bridge' ? bridged : base) + (paths[name] ?? `/${name}`), look)
  await pages[name]?.(page, look)
  // The charts of the console have something to show after some samples.
  if (name === 'console') await page.waitForTimeout(15_000)
  await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: look === 'narrow' })
  const known = shown[`${name}-${look}`]
  if (known !== undefined) await page.screenshot({ path: `docs/images/${known}.png` })
  for (const context of browser.contexts()) await context.close()
}

mkdirSync(folder, { recursive: true })
mkdirSync('docs/images', { recursive: true })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...chromiumSwitches] })
crowd()
for (const name of Object.keys(pages)) {
  for (const look of Object.keys(looks) as Look[]) await picture(name, look)
}
await browser.close()
process.exit()
