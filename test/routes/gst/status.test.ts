import t from 'tap'
import { buildOnly, connect, until, urlOf } from '../../helper.js'
import { peer } from './peers.js'

const build = buildOnly('gst')
const changed = (roles: string[], id: string, meta: unknown = { of: id }) => ({ type: 'peerStatusChanged', roles, meta, peerId: id })

t.test('a listener hears what each peer becomes, itself among them, and who leaves', async (t) => {
  const app = await build(t)
  const listener = await peer(t, app, 'listener')
  const producer = await peer(t, app, 'producer', 'listener')
  t.same(await listener.client.next(), changed(['producer', 'listener'], producer.id))
  const silent = await peer(t, app)
  await silent.client.close()
  producer.send('setPeerStatus', { roles: ['listener'], meta: null })
  t.same(await listener.client.next(), changed(['listener'], producer.id, null), 'nothing of a peer without a status')
  t.same(await producer.client.next(), changed(['listener'], producer.id, null))
  await producer.client.close()
  t.same(await listener.client.next(), changed([], producer.id, null))
})

t.test('who is no listener hears nothing, and the same status again is none', async (t) => {
  const app = await build(t)
  const [listener, other] = [await peer(t, app, 'listener'), await peer(t, app, 'producer')]
  t.same(await listener.client.next(), changed(['producer'], other.id))
  other.send('setPeerStatus', { roles: ['producer'], meta: { of: other.id }, peerId: 'somebody else' })
  listener.send('setPeerStatus', { roles: [] })
  t.same([...await other.settle(), ...await listener.settle()], [])
  other.send('setPeerStatus', { roles: ['consumer'] })
  t.same([...await other.settle(), ...await listener.settle()], [])
})

t.test('producers and consumers are listed with their meta, wherever they are', async (t) => {
  const app = await build(t)
  const [producer, consumer, asking] = [await peer(t, app, 'producer', 'listener'), await peer(t, app, 'consumer'), await peer(t, app)]
  asking.send('list')
  t.same(await asking.next('list'), { type: 'list', producers: [{ id: producer.id, meta: { of: producer.id } }] })
  asking.send('listConsumers')
  t.same(await asking.next('listConsumers'), { type: 'listConsumers', consumers: [{ id: consumer.id, meta: { of: consumer.id } }] })
  await producer.client.close()
  await until(async () => {
    asking.send('list')
    return ((await asking.next('list')).producers as unknown[]).length === 0
  })
})

t.test('nobody is a producer and a passive consumer, and the version comes first', async (t) => {
  const app = await build(t)
  const alice = await peer(t, app, 'listener')
  alice.send('setPeerStatus', { roles: ['producer', 'consumer'] })
  t.same(await alice.client.next(), { type: 'error', details: `Cannot register peer ${alice.id} as both producer and passive consumer` })
  alice.send('setProtocolVersion', { version: 'v1_1' })
  t.same(await alice.client.next(), {
    type: 'error', details: `Protocol version selection for peer '${alice.id}' must be first message`
  })
})

t.test('the native listener takes the socket at any path, and peers are listed by REST where that is allowed', async (t) => {
  const app = await build(t, { NATIVE_PORTS: 'gst:0', ALLOW_DISCOVERY: 'true' })
  const port = app.nativePorts[0] as number
  const { peerId } = await (await connect(t, port, '/any')).next()
  t.same(await (await fetch(`${urlOf(app)}/gst/peers`)).json(), [peerId])
  t.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200)
})
