import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/drone.js')

const open = await launch(t)

t.test('two drone pages at the bare root find each other in the list and talk over their own connection', async (t) => {
  const url = urlOf(await build(t)).replace('http', 'ws')
  const [a, b] = await Promise.all([open(t, 'drone.ts'), open(t, 'drone.ts')])

  const registered = await a.evaluate(async (url) => await client.register(url, 'drone-1'), url)
  t.equal(registered.id, 'drone-1')
  await b.evaluate(async (url) => await client.register(url, 'operator-3'), url)
  t.same(await b.evaluate(async () => await client.list()), ['drone-1'])

  await b.evaluate(async () => await client.call('drone-1'))
  const texts = await Promise.all([
    a.evaluate(async () => await client.exchange('hello from the drone')),
    b.evaluate(async () => await client.exchange('hello from the operator'))
  ])
  t.same(texts, ['hello from the operator', 'hello from the drone'])

  const sessions = await Promise.all([a.evaluate(() => client.session()), b.evaluate(() => client.session())])
  t.match(sessions[0], /^session-/)
  t.equal(sessions[0], sessions[1])
})
