import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { clientFor } from '../clients/client-for.js'
import { build, urlOf } from '../helper.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/drone.js') & typeof import('./pages/around-drone-example.js')

const open = await launch(t)

const idOfExample = 'drone-alpha-001'

/** A page that runs the example, and an operator's page, both registered. */
async function both (t: Test): Promise<[Page, Page]> {
  const url = urlOf(await build(t)).replace('http', 'ws')
  const [example, operator] = await Promise.all([open(t, 'around-drone-example.ts'), open(t, 'drone.ts')])
  const content = await clientFor(url, { script: 'drone-example.js', theirs: 'ws://localhost:8081' })
  const registered = example.waitForEvent('console', (message) => message.text() === `Registered with ID: ${idOfExample}`)
  await example.addScriptTag({ content })
  await registered
  await operator.evaluate(async (url) => await client.register(url, 'operator-3'), url)
  return [example, operator]
}

async function exchange (t: Test, [example, operator]: [Page, Page]): Promise<void> {
  const texts = await Promise.all([
    example.evaluate(async () => await client.exchange('hello from the drone')),
    operator.evaluate(async () => await client.exchange('hello from the operator'))
  ])
  t.same(texts, ['hello from the operator', 'hello from the drone'])
}

t.test('the browser example of the drone README answers a call', async (t) => {
  const [example, operator] = await both(t)
  await operator.evaluate(async (id) => await client.call(id), idOfExample)
  await exchange(t, [example, operator])
})

t.test('the browser example of the drone README calls', async (t) => {
  const [example, operator] = await both(t)
  await example.evaluate(async () => await client.call('operator-3'))
  await exchange(t, [example, operator])
})
