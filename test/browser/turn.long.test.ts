import t from 'tap'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { build, until, urlOf } from '../helper.js'
import { startTurn } from '../turn/coturn.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/turn.js')

const open = await launch(t)

t.test('two pages that may only relay talk through coturn with the credentials of /ice-servers', async (t) => {
  const turn = await startTurn(t)
  const url = urlOf(await build(t, { ...withSecret, ...turn.env }))
  const [a, b] = await Promise.all([open(t, 'turn.ts'), open(t, 'turn.ts')])
  const { roomId } = await a.evaluate(async ({ url, token }) => await client.create(url, token), { url, token: tokenFor({ sub: 'alice' }) })
  await b.evaluate(
    async ({ url, token, roomId }) => await client.join(url, token, roomId),
    { url, token: tokenFor({ sub: 'bob' }), roomId: roomId as string }
  )

  await a.evaluate(async () => await client.call())
  const texts = await Promise.all([
    a.evaluate(async () => await client.exchange('hello from alice')),
    b.evaluate(async () => await client.exchange('hello from bob'))
  ])
  t.same(texts, ['hello from bob', 'hello from alice'])
  for (const page of [a, b]) t.same(await page.evaluate(async () => await client.route()), ['relay', 'relay'])
  for (const name of ['alice', 'bob']) await until(() => turn.log().includes(`:${name}>: incoming packet ALLOCATE processed, success`))
})
