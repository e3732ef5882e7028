import t from 'tap'
import { build, urlOf } from '../helper.js'
import { startTurn } from '../turn/coturn.js'
import { launch } from './browser.js'
import { exchange, failedIn, openedIn, peerPages, type Where, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js')

const open = await launch(t)
const { begin, join } = peerPages(open)

t.test('a PeerJS peer that disconnects and reconnects is reached under its id again', async (t) => {
  const where = whereIs(await build(t))
  const [a, b] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  await a.evaluate(() => client.connect('b', 'before'))
  await exchange(t, 'before', [a, b])

  await a.evaluate(() => client.disconnect())
  await exchange(t, 'before', [a, b])

  await a.evaluate(() => client.reconnect())
  t.equal(await openedIn(a), 'a')
  await b.evaluate(() => client.connect('a', 'after'))
  await exchange(t, 'after', [a, b])
})

t.test('a PeerJS page with the same id and token takes over from the one before', async (t) => {
  const where = { ...whereIs(await build(t)), token: 'mine' }
  const before = await join(t, where, 'a')
  const [after, b] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  t.equal(await failedIn(before), 'network')
  await b.evaluate(() => client.connect('a', 'talk'))
  await exchange(t, 'talk', [after, b])
})

t.test('a second PeerJS page with the id of another gets unavailable-id, and the first stays', async (t) => {
  const where = whereIs(await build(t))
  const first = await join(t, where, 'a')
  const second = await begin(t, where, 'a')
  t.equal(await failedIn(second), 'unavailable-id')
  t.equal(await second.evaluate(() => client.isOpen()), false)

  const b = await join(t, where, 'b')
  await b.evaluate(() => client.connect('a', 'talk'))
  await exchange(t, 'talk', [first, b])
})

t.test('listAllPeers lists every PeerJS peer when discovery is on', async (t) => {
  const where = whereIs(await build(t, { PEERJS_ALLOW_DISCOVERY: 'true' }))
  const [a] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  const listed = await a.evaluate(async () => await client.listAllPeers())
  t.same(listed.sort(), ['a', 'b'])
})

t.test('PeerJS pages with an id of the server’s talk under another path and key', async (t) => {
  const where = { ...whereIs(await build(t, { PEERJS_PATH: '/myapp', PEERJS_KEY: 'ours' })), path: '/myapp', key: 'ours' }
  const [a, b] = await Promise.all([begin(t, where), begin(t, where)])
  const [idOfA, idOfB] = await Promise.all([openedIn(a), openedIn(b)])
  t.match(idOfA, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.not(idOfA, idOfB)
  await a.evaluate((id) => client.connect(id, 'talk'), idOfB)
  await exchange(t, 'talk', [a, b])
})

t.test('PeerJS pages that may only relay talk through coturn with the credentials of /ice-servers', async (t) => {
  const app = await build(t, (await startTurn(t)).env)
  const { iceServers } = await (await fetch(`${urlOf(app)}/ice-servers`)).json() as { iceServers: RTCIceServer[] }
  const where: Where = { ...whereIs(app), config: { iceServers, iceTransportPolicy: 'relay' } }
  const [a, b] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  await a.evaluate(() => client.connect('b', 'talk'))
  await exchange(t, 'talk', [a, b])
})

t.test('a PeerJS page with a wrong key gets server-error', async (t) => {
  const where = whereIs(await build(t, { PEERJS_KEY: 'ours' }))
  const page = await begin(t, where, 'a')
  t.equal(await failedIn(page), 'server-error')
})
