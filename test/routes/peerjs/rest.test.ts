import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'

const build = buildOnly('peerjs')

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

t.test('GET / is the banner by which monitors know a PeerJS server', async (t) => {
  const app = await build(t)
  const response = await fetch(urlOf(app))
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.equal(
    await response.text(),
    '{"name":"PeerJS Server","description":"A server side element to broker connections between PeerJS clients.",' +
    '"website":"https://peerjs.com/"}'
  )
})

t.test('GET /<key>/id is a fresh uuid as plain text', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/peerjs/id`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^text\/plain/)
  const id = await response.text()
  t.match(id, uuid)
  t.not(await (await fetch(`${urlOf(app)}/peerjs/id`)).text(), id, 'another one each time')
})

t.test('GET /<key>/id takes the query with which the official client keeps caches away', async (t) => {
  const app = await build(t)
  const response = await fetch(`${urlOf(app)}/peerjs/id?ts=17637558270.5&version=1.5.5`)
  t.match(await response.text(), uuid)
})

t.test('GET /peerjs/health is ok whatever the key', async (t) => {
  for (const PEERJS_KEY of ['peerjs', 'secret', 'health']) {
    const app = await build(t, { PEERJS_KEY })
    const response = await fetch(`${urlOf(app)}/peerjs/health`)
    t.equal(response.status, 200)
    t.same(await response.json(), { status: 'ok' }, PEERJS_KEY)
  }
})
