import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { build, urlOf } from '../helper.js'
import { startTurn } from '../turn/coturn.js'
import { launch } from './browser.js'

declare const client: typeof import('./pages/peerjs.js')

const open = await launch(t)

type Where = Parameters<typeof client.start>[0]

function whereIs (app: FastifyInstance): Where {
  return { port: Number(new URL(urlOf(app)).port) }
}

/** A page whose peer is still connecting to the server. */
async function begin (t: Test, where: Where, id?: string): Promise<Page> {
  const page = await open(t, 'peerjs.ts')
  await page.evaluate(({ where, id }) => client.start(where, id), { where, id })
  return page
}

async function openedIn (page: Page): Promise<string> {
  return await page.evaluate(async () => await client.opened())
}

async function failedIn (page: Page): Promise<string> {
  return await page.evaluate(async () => await client.failed())
}

/** A page with an open peer. */
async function join (t: Test, where: Where, id: string): Promise<Page> {
  const page = await begin(t, where, id)
  t.equal(await openedIn(page), id)
  return page
}

/** Both pages exchange messages over their data connection. */
async function exchange (t: Test, label: string, [a, b]: readonly [Page, Page]): Promise<void> {
  const fromA = { text: `${label} from a`, numbers: [1, 2, 3] }
  const fromB = { text: `${label} from b`, nested: { is: true } }
  const heard = await Promise.all([
    a.evaluate(async ({ label, value }) => await client.exchange(label, value), { label, value: fromA }),
    b.evaluate(async ({ label, value }) => await client.exchange(label, value), { label, value: fromB })
  ])
  t.same(heard, [fromB, fromA])
}

t.test('two PeerJS pages open a data connection and exchange data both ways', async (t) => {
  const where = whereIs(await build(t))
  const [a, b] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  await a.evaluate(() => client.connect('b', 'talk'))
  await exchange(t, 'talk', [a, b])
})

t.test('a PeerJS media call shows each page the live picture of the other', async (t) => {
  const where = whereIs(await build(t))
  const [a, b] = await Promise.all([join(t, where, 'a'), join(t, where, 'b')])
  await a.evaluate(async () => await client.call('b'))
  const seen = await Promise.all([a, b].map(async (page) => await page.evaluate(async () => await client.see())))
  const picture = { kinds: ['audio', 'video'], hasPicture: true }
  t.same(seen, [picture, picture])
})

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

t.test('connecting to an absent PeerJS peer gives peer-unavailable and leaves the peer open', async (t) => {
  const where = whereIs(await build(t, { PEERJS_EXPIRE_TIMEOUT: '500' }))
  const a = await join(t, where, 'a')
  await a.evaluate(() => client.connect('nobody', 'talk'))
  t.equal(await failedIn(a), 'peer-unavailable')
  t.equal(await a.evaluate(() => client.isOpen()), true)
})

t.test('a PeerJS peer that comes after the offer still gets its data connection', async (t) => {
  const where = whereIs(await build(t, { PEERJS_EXPIRE_TIMEOUT: '60000' }))
  const a = await open(t, 'peerjs.ts')
  const [socket] = await Promise.all([a.waitForEvent('websocket'), a.evaluate((where) => client.start(where, 'a'), where)])
  await openedIn(a)
  const offer = socket.waitForEvent('framesent', ({ payload }) => String(payload).includes('"OFFER"'))
  await a.evaluate(() => client.connect('b', 'talk'))
  await offer

  const b = await join(t, where, 'b')
  await exchange(t, 'talk', [a, b])
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
