import t from 'tap'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/tom.js')

const open = await launch(t)

t.test('two ToM pages at the bare root see each other come and go and talk over their own connection', async (t) => {
  const url = urlOf(await build(t)).replace('http', 'ws')
  const [a, b] = await Promise.all([open(t, 'tom.ts'), open(t, 'tom.ts')])

  await a.evaluate((url) => client.register(url, 'aaa', 'alice'), url)
  const alone = await a.evaluate(async () => await client.next('participants'))
  t.same(alone.participants, [{ nodeId: 'aaa', username: 'alice' }])

  await b.evaluate((url) => client.register(url, 'bbb', 'bob'), url)
  const both = await b.evaluate(async () => await client.next('participants'))
  t.same(both.participants, [{ nodeId: 'aaa', username: 'alice' }, { nodeId: 'bbb', username: 'bob' }])
  const joined = await a.evaluate(async () => await client.next('presence'))
  t.same(joined, { type: 'presence', action: 'join', nodeId: 'bbb', username: 'bob', publicKey: 'key of bbb' })

  await a.evaluate(async () => await client.call('bbb'))
  const texts = await Promise.all([
    a.evaluate(async () => await client.exchange('hello from alice')),
    b.evaluate(async () => await client.exchange('hello from bob'))
  ])
  t.same(texts, ['hello from bob', 'hello from alice'])

  await a.close()
  const left = await b.evaluate(async () => await client.next('presence'))
  t.same(left, { type: 'presence', action: 'leave', nodeId: 'aaa', username: 'alice', publicKey: 'key of aaa' })
})
