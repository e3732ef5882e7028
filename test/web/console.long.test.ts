import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t from 'tap'
import { createService, readConfig } from '../../src/index.js'
import { enter } from '../../src/testing/actors.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { startChromium } from '../browser/browser.js'
import { nodesOn } from '../cluster/nodes.js'
import { build, until, urlOf } from '../helper.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { browse, fits, isAccessible } from './browse.js'

const drone = builtIn.find(({ name }) => name === 'drone') as Subject

const row = (page: Page, id: string) => page.locator('.rows').getByRole('button', { name: id })
const view = async (page: Page, name: string) => await page.getByRole('link', { name, exact: true }).click()

t.test('it shows both peers, follows one and closes it', async (t) => {
  const app = await build(t)
  const browser = await startChromium(t)
  const [alice, bob] = [await enter(t, app, drone, 'alice'), await enter(t, app, drone, 'bob')]
  const page = await browse(t, browser, app, '/console')
  await page.getByText('2', { exact: true }).first().waitFor()
  await view(page, 'Peers')
  await row(page, 'alice').waitFor()
  await row(page, 'bob').waitFor()
  await page.getByRole('searchbox', { name: 'Filter peers' }).fill('ali')
  await row(page, 'bob').waitFor({ state: 'detached' })
  await row(page, 'alice').click()
  const dialog = page.getByRole('dialog', { name: 'alice' })
  await dialog.getByRole('button', { name: 'Follow' }).click()
  await until(() => Object.hasOwn([...app.signalbox.connections][0] as object, 'process'))
  alice.signal('bob', 'not to be seen')
  bob.signal('alice', 'not to be seen')
  alice.signal('nobody', 'not to be seen')
  const frames = dialog.getByRole('listitem')
  await frames.filter({ hasText: /ice\s*bob.*sent/ }).nth(1).waitFor()
  await frames.filter({ hasText: /nobody.*absent/ }).waitFor()
  t.equal(await page.getByText('not to be seen').count(), 0)
  await isAccessible(t, page)
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('Too loud')
  await dialog.getByRole('button', { name: 'Close it' }).click()
  t.same(await alice.client.closed, { code: 1008, reason: 'Too loud' })
  await frames.filter({ hasText: 'closed · 1008 Too loud' }).waitFor()
  await dialog.getByText('Gone').waitFor()
  await page.keyboard.press('Escape')
  await view(page, 'Events')
  await page.getByRole('listitem').filter({ hasText: /kicked.*alice.*Too loud · by 127\.0\.0\.1/ }).waitFor()
  await page.getByRole('button', { name: 'Administrators' }).click()
  await page.getByRole('listitem').filter({ hasText: 'traced' }).waitFor()
})

t.test('the peers of other nodes are there, too, and one of the nodes is drained', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { DRAIN_MS: '0' }) as unknown as { apps: [FastifyInstance, FastifyInstance] }
  const browser = await startChromium(t)
  await enter(t, one, drone, 'near')
  const far = await enter(t, other, drone, 'far')
  const page = await browse(t, browser, one, '/console')
  await view(page, 'Rooms')
  await page.getByText('2 peers on 2 nodes').waitFor()
  await page.getByRole('link', { name: 'drone' }).click()
  await row(page, 'near').waitFor()
  await row(page, 'far').waitFor()
  await view(page, 'Overview')
  const node = page.getByRole('article').filter({ hasText: other.signalbox.connections.node })
  await node.getByRole('button', { name: 'Drain' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('1 connection').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  t.notOk(other.signalbox.connections.isDraining, 'it asks first')
  await node.getByRole('button', { name: 'Drain' }).click()
  await dialog.getByRole('button', { name: 'Drain' }).click()
  t.equal((await far.client.closed).code, 1001)
  await node.getByText('Draining').waitFor()
})

t.test('with auth it asks for a token with the role admin, which the tab alone keeps', async (t) => {
  const app = await build(t, withSecret)
  const browser = await startChromium(t)
  const page = await browse(t, browser, app, '/console', { expected: /401/ })
  const field = page.getByLabel('Token', { exact: true })
  await field.fill(tokenFor({ sub: 'alice' }))
  await isAccessible(t, page)
  await page.getByRole('button', { name: 'Open the console' }).click()
  await page.getByRole('alert').filter({ hasText: 'refused' }).waitFor()
  await field.fill(tokenFor({ sub: 'ops', roles: ['admin'] }))
  await page.getByRole('button', { name: 'Open the console' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  t.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0)
  await page.reload()
  await page.getByRole('button', { name: 'Forget the token' }).click()
  await field.waitFor()
})

t.test('who is elsewhere is told what to do', async (t) => {
  const app = await build(t, { TRUST_PROXY: 'loopback' })
  const browser = await startChromium(t)
  const page = await browse(t, browser, app, '/console', { expected: /403/ })
  await page.route('**/admin/**', async (route) => {
    await route.continue({ headers: { ...route.request().headers(), 'x-forwarded-for': '203.0.113.7' } })
  })
  await page.reload()
  await page.getByText('CONSOLE_PUBLIC=true', { exact: true }).waitFor()
  await isAccessible(t, page)
})

t.test('it says that the connection is lost, and goes on when the server is back', async (t) => {
  const app = await build(t)
  const { port } = new URL(urlOf(app))
  const browser = await startChromium(t)
  const page = await browse(t, browser, app, '/console', { expected: /ERR_|Failed to load/ })
  await page.getByRole('heading', { name: 'Connections' }).waitFor()
  await app.close()
  await page.getByText('Connection lost.').waitFor()
  await isAccessible(t, page)
  const again = createService(readConfig({ LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await again.close())
  await again.listen({ port: Number(port), host: '127.0.0.1' })
  await page.getByText('Connection lost.').waitFor({ state: 'detached' })
})

t.test('every view fits a phone, and all can use it, in light and dark', async (t) => {
  const app = await build(t)
  const browser = await startChromium(t)
  const page = await browse(t, browser, app, '/console', { viewport: { width: 360, height: 700 } })
  await view(page, 'Peers')
  await page.getByText('Nobody is connected.').waitFor()
  await view(page, 'Rooms')
  await page.getByText('No room has peers.').waitFor()
  const alice = await enter(t, app, drone, 'a'.repeat(200))
  alice.signal('nobody', 1)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    for (const name of ['Overview', 'Peers', 'Rooms', 'Events']) {
      await view(page, name)
      await page.getByRole('heading', { name, exact: true }).waitFor()
      await fits(t, page)
      await isAccessible(t, page)
    }
  }
  await view(page, 'Peers')
  await row(page, 'aaa').click()
  await page.getByRole('button', { name: 'Follow' }).click()
  await fits(t, page)
  await isAccessible(t, page)
})
