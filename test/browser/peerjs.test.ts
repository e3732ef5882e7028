import t from 'tap'
import { build } from '../helper.js'
import { launch } from './browser.js'
import { exchange, failedIn, openedIn, peerPages, whereIs } from './peerjs-pages.js'

declare const client: typeof import('./pages/peerjs.js')

const open = await launch(t)
const { join } = peerPages(open)

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
