import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { type Dialect, type FrameSchemas, type Handshake } from '../../src/index.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { Client, connect, urlOf } from '../helper.js'
import { buildSpeaking, errors } from './speaking.js'

/** Says what it sees of the handshake. */
const curious: Dialect<FrameSchemas, object> = {
  name: 'curious',
  frames: {},
  handlers: {},
  errors,
  open (connection, { query, params, headers, protocol }: Handshake) {
    connection.deliver(JSON.stringify({ query, params, headers, protocol }))
    return {}
  }
}

const speaking = (...protocols: string[]) => ({ ...curious, protocols })

/** A client that offers subprotocols. */
function offer (t: Test, app: FastifyInstance, protocols: string[]): Client {
  const client = new Client(new WebSocket(`${urlOf(app).replace('http', 'ws')}/curious`, protocols))
  t.teardown(() => client.socket.terminate())
  return client
}

/** The subprotocol that the dialect sees, and that the client does. */
async function chosen (t: Test, app: FastifyInstance, protocols: string[]): Promise<[unknown, string]> {
  const client = offer(t, app, protocols)
  return [(await client.next()).protocol, client.socket.protocol]
}

t.test('a dialect sees the query, the parameters of the path and the headers', async (t) => {
  const app = await buildSpeaking(t, { dialect: curious, url: '/curious/:room/:name' })
  const headers = { Cookie: 'session=1', 'User-Agent': 'tap', 'X-Own': 'ü', authorization: 'Bearer secret' }
  const client = await connect(t, app, '/curious/caf%C3%A9/a%2Fb?next=2&next=3', { headers })
  const seen = await client.next() as unknown as Handshake
  t.same(seen.params, { room: 'café', name: 'a/b' })
  t.same(seen.query, { next: '3' })
  t.match(seen.headers, { cookie: 'session=1', 'user-agent': 'tap', upgrade: 'websocket' })
  t.equal(seen.protocol, '')
})

t.test('a dialect sees no token that a client sends in a header', async (t) => {
  const app = await buildSpeaking(t, { dialect: curious, env: withSecret })
  const token = tokenFor({ sub: 'alice' })
  const inHeader = await connect(t, app, '/curious', { headers: { authorization: `Bearer ${token}` } })
  for (const client of [inHeader, offer(t, app, ['signalbox.jwt', token])]) t.notMatch(JSON.stringify(await client.next()), token)
})

t.test('the subprotocol is the first one offered that the dialect speaks', async (t) => {
  const app = await buildSpeaking(t, { dialect: speaking('chat.v1', 'chat.v2') })
  t.same(await chosen(t, app, ['other', 'chat.v2', 'chat.v1']), ['chat.v2', 'chat.v2'])
  t.same(await chosen(t, app, ['chat.v1']), ['chat.v1', 'chat.v1'])
})

t.test('a subprotocol that the dialect does not speak is not chosen', async (t) => {
  const app = await buildSpeaking(t, { dialect: speaking('chat.v1') })
  const [error] = await once(offer(t, app, ['other']).socket, 'error') as [Error]
  t.match(error.message, 'no subprotocol', 'a client of ws ends then; a browser goes on without')
})

t.test('beside a token, the subprotocol of the dialect is chosen, and signalbox.jwt where there is none', async (t) => {
  const app = await buildSpeaking(t, { dialect: speaking('chat.v1'), env: withSecret })
  const token = tokenFor({ sub: 'alice' })
  t.same(await chosen(t, app, ['signalbox.jwt', token, 'chat.v1']), ['chat.v1', 'chat.v1'])
  t.same(await chosen(t, app, ['signalbox.jwt', token]), ['signalbox.jwt', 'signalbox.jwt'])
})

t.test('a dialect that names no subprotocols sees the one that was chosen', async (t) => {
  const app = await buildSpeaking(t, { dialect: curious })
  t.same(await chosen(t, app, ['any', 'other']), ['any', 'any'])
})
