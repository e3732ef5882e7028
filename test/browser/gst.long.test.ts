import t from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/gst.js')

const open = await launch(t)
const env = { DIALECTS: 'gst' }

for (const count of [1, 2]) {
  t.test(`a page of gstwebrtc-api plays what another one produces, and hears its end, on ${count} node(s)`, async (t) => {
    const apps = count === 1 ? [await build(t, env)] : (await nodesOn(t, count, env)).apps
    const urls = [apps[0], apps.at(-1)].map((app) => `${urlOf(app as typeof apps[0] & object).replace('http', 'ws')}/gst`)
    const [producer, consumer] = await Promise.all([open(t, 'gst.ts'), open(t, 'gst.ts')])
    await consumer.evaluate(async (url) => await client.connect(url, 'viewer'), urls[1] as string)
    await producer.evaluate(async (url) => await client.connect(url, 'camera'), urls[0] as string)
    await producer.evaluate(() => client.produce())
    t.same(await consumer.evaluate(async () => await client.consume()), { name: 'camera', hasPicture: true })
    t.match(await producer.evaluate(async () => await client.serve()), /^[\w-]{36}$/)
    await producer.evaluate(() => client.stop())
    await consumer.evaluate(async () => await client.hearEnd())
  })
}
