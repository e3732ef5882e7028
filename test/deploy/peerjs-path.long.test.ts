import t from 'tap'
import { launch } from '../browser/browser.js'
import { start } from '../process.js'
import { startHaproxy, startNginx } from './tls-proxies.js'

declare const client: typeof import('../browser/pages/peerjs.js')

const open = await launch(t)

t.test('a PeerJS page with path /signal behind nginx talks to one behind HAProxy', async (t) => {
  const { port } = await start(t, { TRUST_PROXY: '127.0.0.1' })
  const pages = await Promise.all([startNginx, startHaproxy].map(async (startProxy) => {
    const { url } = await startProxy(t, { nodes: [port] })
    const page = await open(t, 'peerjs.ts')
    await page.evaluate((port) => client.start({ port, path: '/signal', secure: true }), Number(new URL(url).port))
    return { page, id: await page.evaluate(async () => await client.opened()) }
  }))
  const [a, b] = pages.map(({ page }) => page) as [typeof pages[0]['page'], typeof pages[0]['page']]
  await a.evaluate((id) => client.connect(id, 'talk'), String(pages[1]?.id))
  const heard = await Promise.all([
    a.evaluate(async () => await client.exchange('talk', 'from a')), b.evaluate(async () => await client.exchange('talk', 'from b'))
  ])
  t.same(heard, ['from b', 'from a'])
})
