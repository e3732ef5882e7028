import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/rooms.js')

const open = await launch(t)

for (const payloads of ['texts', 'objects'] as const) {
  t.test(`two pages at the bare root meet in a room and talk over their own connection, their payloads being ${payloads}`, async (t) => {
    const url = urlOf(await build(t)).replace('http', 'ws')
    const [a, b] = await Promise.all([open(t, 'rooms.ts'), open(t, 'rooms.ts')])

    const created = await a.evaluate(async ({ url, payloads }) => await client.create(url, payloads), { url, payloads })
    const roomId = created.roomId as string
    t.match(roomId, /^[1-9]\d{3}$/)
    const joined = await b.evaluate(
      async ({ url, payloads, roomId }) => await client.join(url, payloads, roomId),
      { url, payloads, roomId }
    )
    t.equal(joined.roomId, roomId)

    // The one that joins calls: the room does not announce arrivals.
    await b.evaluate(async () => await client.call())
    const texts = await Promise.all([
      a.evaluate(async () => await client.exchange('hello from the creator')),
      b.evaluate(async () => await client.exchange('hello from who joined'))
    ])
    t.same(texts, ['hello from who joined', 'hello from the creator'])
  })
}
