import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join, leave } from './join.js'

const build = buildOnly('peerjs')

const getPeers = async (app: FastifyInstance) => await fetch(`${urlOf(app)}/peerjs/peers`)

t.test('GET /<key>/peers is 401 unless discovery is on', async (t) => {
  const app = await build(t)
  await join(t, app, 'alice')
  const response = await getPeers(app)
  t.equal(response.status, 401)
  t.notMatch(await response.text(), 'alice')
})

t.test('with ALLOW_DISCOVERY, GET /<key>/peers is a JSON array of the ids', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const empty = await getPeers(app)
  t.equal(empty.status, 200)
  t.match(empty.headers.get('content-type'), /^application\/json/)
  t.same(await empty.json(), [])

  const alice = await join(t, app, 'alice')
  await join(t, app, 'bob')
  t.same(await (await getPeers(app)).json(), ['alice', 'bob'])
  await leave(app, alice, 'alice')
  t.same(await (await getPeers(app)).json(), ['bob'])
})

t.test('PEERJS_ALLOW_DISCOVERY=false overrides ALLOW_DISCOVERY=true', async (t) => {
  const app = await build(t, { DIALECTS: 'peerjs,tom', ALLOW_DISCOVERY: 'true', PEERJS_ALLOW_DISCOVERY: 'false' })
  t.equal((await getPeers(app)).status, 401)
  t.equal((await fetch(`${urlOf(app)}/tom/peers`)).status, 200, 'the other dialects keep to ALLOW_DISCOVERY')
})

t.test('PEERJS_ALLOW_DISCOVERY=true overrides ALLOW_DISCOVERY=false', async (t) => {
  const app = await build(t, { DIALECTS: 'peerjs,tom', ALLOW_DISCOVERY: 'false', PEERJS_ALLOW_DISCOVERY: 'true' })
  t.equal((await getPeers(app)).status, 200)
  t.equal((await fetch(`${urlOf(app)}/tom/peers`)).status, 401, 'the other dialects keep to ALLOW_DISCOVERY')
})
