import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { servePage, startChromium } from '../browser/browser.js'
import { build, urlOf } from '../helper.js'

/** The part of every PeerJS that the pages use. */
interface AnyPeer {
  on (event: string, listener: (value: never) => void): void
  connect (id: string): AnyConnection
}
interface AnyConnection extends Pick<AnyPeer, 'on'> {
  open: boolean
  send (value: unknown): void
}
interface Heard { opened: string[], errors: string[], data: unknown[], connection?: AnyConnection }
declare global {
  var Peer: new (id: string, options: object) => AnyPeer
  var heard: Heard
  var peer: AnyPeer
}

const run = promisify(execFile)
const inBrowser = await startChromium(t)
const origin = await servePage(t)
const manifest = readFileSync(new URL('../../node_modules/peerjs/package.json', import.meta.url), 'utf8')
const { version: newest } = JSON.parse(manifest) as { version: string }

/** A released PeerJS as it is for a script tag. npm fetches it, since the old ones depend on a repository that npm cannot always reach. */
async function scriptOf (t: Test, version: string): Promise<string> {
  const cwd = t.testdir()
  await run('npm', ['pack', '--silent', `peerjs@${version}`], { cwd })
  await run('tar', ['-xzf', `peerjs-${version}.tgz`], { cwd })
  const file = version.startsWith('0.') ? 'peer.min.js' : 'peerjs.min.js'
  return readFileSync(join(cwd, 'package', 'dist', file), 'utf8')
}

async function open (page: Page, id: string, port: number): Promise<void> {
  await page.evaluate(({ id, port }) => {
    const heard: Heard = { opened: [], errors: [], data: [] }
    const use = (connection: AnyConnection): void => {
      heard.connection = connection
      connection.on('data', (value) => heard.data.push(value))
    }
    globalThis.heard = heard
    globalThis.peer = new Peer(id, { host: '127.0.0.1', port, path: '/', key: 'peerjs', config: { iceServers: [] } })
    peer.on('open', (id: string) => heard.opened.push(id))
    peer.on('error', ({ type }: { type: string }) => heard.errors.push(type))
    peer.on('connection', use)
  }, { id, port })
  await page.waitForFunction(() => heard.opened.length > 0 || heard.errors.length > 0)
}

for (const version of ['0.3.14', '0.3.20', newest]) {
  t.test(`PeerJS ${version} opens, connects, and sends data both ways, on both listeners and with an origin that is listed`, async (t) => {
    const script = await scriptOf(t, version)
    const context = await inBrowser.newContext()
    t.teardown(async () => await context.close())
    const pages = await Promise.all(['a', 'b'].map(async () => await context.newPage()))
    const app = await build(t, { NATIVE_PORTS: 'peerjs:0', ALLOWED_ORIGINS: origin })
    const ports = [Number(new URL(urlOf(app)).port), app.nativePorts[0] ?? 0]
    const unreadable: string[] = []
    for (const [at, page] of pages.entries()) {
      page.on('console', (message) => { if (/CORS policy/.test(message.text())) unreadable.push(message.text()) })
      await page.goto(origin)
      await page.addScriptTag({ content: script })
      await open(page, 'ab'.charAt(at), ports[at] ?? 0)
      t.match(await page.evaluate(() => heard), { opened: ['ab'.charAt(at)], errors: [] })
    }
    const [a, b] = pages as [Page, Page]
    await a.evaluate(() => {
      const connection = peer.connect('b')
      heard.connection = connection
      connection.on('data', (value) => heard.data.push(value))
    })
    for (const page of pages) await page.waitForFunction(() => heard.connection?.open === true)
    await a.evaluate(() => heard.connection?.send({ from: 'a' }))
    await b.waitForFunction(() => heard.data.length > 0)
    await b.evaluate(() => heard.connection?.send({ from: 'b' }))
    await a.waitForFunction(() => heard.data.length > 0)
    t.same(await Promise.all(pages.map(async (page) => await page.evaluate(() => heard.data))), [[{ from: 'b' }], [{ from: 'a' }]])
    t.same(await Promise.all(pages.map(async (page) => await page.evaluate(() => heard.errors))), [[], []])
    t.same(unreadable, [])
  })
}
