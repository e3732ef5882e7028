import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { build as bundle } from 'esbuild'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, urlOf } from '../helper.js'
import { servePage, startChromium } from './browser.js'

interface Torrent {
  infoHash: string
  numPeers: number
  received: number
  files: Array<{ arrayBuffer: () => Promise<ArrayBuffer> }>
  on (event: string, listener: (value: unknown) => void): void
}
interface WebTorrent {
  seed (file: File, options: object): Torrent
  add (id: string, options: object): Torrent
  on (event: string, listener: (value: unknown) => void): void
}
declare const library: { WebTorrent: new (options: object) => WebTorrent }

const run = promisify(execFile)
const version = '3.0.21'

/** As it is for browsers. npm fetches it, since its dependencies for Node are many, and some are compiled. */
async function scriptOf (t: Test): Promise<string> {
  const cwd = t.testdir()
  await run('npm', ['pack', '--silent', `webtorrent@${version}`], { cwd })
  await run('tar', ['-xzf', `webtorrent-${version}.tgz`], { cwd })
  const stdin = { contents: "export { default as WebTorrent } from './webtorrent.min.js'", resolveDir: `${cwd}/package/dist` }
  const { outputFiles: [file] } = await bundle({ stdin, bundle: true, write: false, format: 'iife', globalName: 'library' })
  return file?.text ?? ''
}

const wayTo = (app: FastifyInstance) => `${urlOf(app).replace('http', 'ws')}/t`
const env = { DIALECTS: 'tracker' }

const servers: Record<string, (t: Test) => Promise<string[]>> = {
  async 'one node' (t) {
    const url = wayTo(await build(t, env))
    return [url, url]
  },
  'two nodes': async (t) => (await nodesOn(t, 2, env)).apps.map(wayTo)
}

const script = await scriptOf(t)
const origin = await servePage(t)
const browser = await startChromium(t)

async function open (t: Test) {
  const context = await browser.newContext()
  t.teardown(async () => await context.close())
  const page = await context.newPage()
  page.on('pageerror', (error) => t.fail(`a page threw: ${error.message}`))
  await page.goto(origin)
  await page.addScriptTag({ content: script })
  return page
}

for (const [where, start] of Object.entries(servers)) {
  t.test(`npm webtorrent: a page gets 1 MB that another page seeds, on ${where}`, async (t) => {
    const [here, there] = await start(t)
    const [seeder, leecher] = [await open(t), await open(t)]
    const seeded = await seeder.evaluate(async (url) => {
      const bytes = new Uint8Array(1_000_000)
      for (let at = 0; at < bytes.length; at += 50_000) crypto.getRandomValues(bytes.subarray(at, at + 50_000))
      const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
      const client = new library.WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
      const file = new File([bytes], 'random.bin')
      const torrent = client.seed(file, { announce: [url] })
      // It says first that it is complete, and then makes its offers. Who calls it meanwhile is called by it: webtorrent gives up both.
      let announces = 0
      await new Promise<void>((resolve) => torrent.on('trackerAnnounce', () => { if (++announces === 2) resolve() }))
      return { infoHash: torrent.infoHash, digest }
    }, here as string)

    const got = await leecher.evaluate(async ({ url, infoHash }) => {
      const client = new library.WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
      const torrent = client.add(`magnet:?xt=urn:btih:${infoHash}`, { announce: [url] })
      const warnings: string[] = []
      torrent.on('warning', (warning) => warnings.push(String(warning)))
      await new Promise<unknown>((resolve) => torrent.on('done', resolve))
      const bytes = await torrent.files[0]?.arrayBuffer() as ArrayBuffer
      return {
        infoHash: torrent.infoHash,
        digest: Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))),
        peers: torrent.numPeers,
        warnings
      }
    }, { url: there as string, infoHash: seeded.infoHash })
    t.same(got, { ...seeded, peers: 1, warnings: [] })
  })
}
