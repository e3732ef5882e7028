import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join, listOf } from './nodes.js'

const build = buildOnly('tom')

t.test('GET /tom/health says ok and nothing else', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/tom/health`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.equal(await response.text(), '{"ok":true}')
})

t.test('GET /tom/id answers a fresh id as text', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/tom/id`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain/)
  const id = await response.text()
  t.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.not(await (await fetch(`${urlOf(app)}/tom/id`)).text(), id)
})

t.test('GET /tom/peers is off by default', async (t) => {
  const app = await build(t)
  await join(t, app, 'a')
  const response = await fetch(`${urlOf(app)}/tom/peers`)
  t.equal(response.status, 401)
  t.same(await response.json(), { error: 'Unauthorized' })
})

t.test('GET /tom/peers lists the registered nodes with ALLOW_DISCOVERY', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const peers = async () => await (await fetch(`${urlOf(app)}/tom/peers`)).json()
  t.same(await peers(), [])
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  t.same(await peers(), ['a', 'b'])
  await bob.close()
  await listOf(alice, 'a')
  t.same(await peers(), ['a'])
})

t.test('a plain GET of the socket’s path is not found', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/tom`)
  t.equal(response.status, 404)
  t.same(await response.json(), { error: 'not found' })
})

t.test('a trailing slash on the socket’s path is accepted', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a', {}, '/tom/')
  await join(t, app, 'b')
  await listOf(alice, 'a', 'b')
})
