import jwt from '@fastify/jwt'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Connection, signalbox, Type } from '../../src/index.js'
import { begin, connect, urlOf } from '../helper.js'
import { bearing, secret, tokenFor } from './tokens.js'

function own (t: Test): FastifyInstance {
  const app = fastify()
  t.teardown(async () => await app.close())
  return app
}

async function start (app: FastifyInstance): Promise<FastifyInstance> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

const options = { prefix: '/signal', config: { JWT_SECRET: secret } }

/** Their tokens count for them, and ours for us. */
async function standApart (t: Test, app: FastifyInstance): Promise<void> {
  app.get('/mine', async (request) => await request.jwtVerify())
  await start(app)
  const theirs = app.jwt.sign({ sub: 'theirs' })
  const answer = await fetch(`${urlOf(app)}/mine`, { headers: { authorization: `Bearer ${theirs}` } })
  t.match(await answer.json(), { sub: 'theirs' })
  t.equal((await fetch(`${urlOf(app)}/mine`, bearing({ sub: 'ours' }))).status, 401)
  const client = await connect(t, app, '/signal/drone', bearing({ sub: 'ours' }))
  client.send({ type: 'ping' })
  t.match(await client.next(), { type: 'pong' })
  t.equal((await begin(t, app, `/signal/drone?token=${theirs}`).closed).code, 1008)
}

t.test('an app’s own @fastify/jwt stands beside ours, registered before', async (t) => {
  const app = own(t)
  await app.register(jwt, { secret: 'theirs, which is another one' })
  await app.register(signalbox, options)
  await standApart(t, app)
})

t.test('an app’s own @fastify/jwt stands beside ours, registered after', async (t) => {
  const app = own(t)
  await app.register(signalbox, options)
  await app.register(jwt, { secret: 'theirs, which is another one' })
  await standApart(t, app)
})

t.test('a dialect of an app’s own gets tokens checked, and asks what they allow', async (t) => {
  const app = own(t)
  await app.register(signalbox, options)
  await app.register(async (app) => {
    app.route({
      url: '/',
      ...app.speak({
        name: 'shout',
        frames: { say: Type.Object({ type: Type.Literal('say'), topic: Type.String() }), who: Type.Object({ type: Type.Literal('who') }) },
        handlers: {
          say (connection: Connection, { topic }) {
            if (!connection.may.enterRoom(topic)) return connection.deny()
            connection.deliver(JSON.stringify({ said: topic }))
          },
          who (connection: Connection) {
            const { subject, claims } = connection.may
            connection.deliver(JSON.stringify({ subject, dialects: claims?.dialects }))
          }
        },
        errors: {
          frame: (error) => JSON.stringify({ error }),
          notJson: 'not JSON',
          unknownType: () => 'unknown',
          malformed: () => 'malformed',
          internal: 'internal'
        },
        open: (connection) => connection,
        close () {}
      })
    })
  }, { prefix: '/shout' })
  await start(app)

  t.equal((await begin(t, app, '/shout').closed).code, 1008)
  const client = await connect(t, app, '/shout', bearing({ sub: 'alice', dialects: ['shout'], rooms: ['a*'] }))
  client.send({ type: 'who' })
  t.same(await client.next(), { subject: 'alice', dialects: ['shout'] })
  client.send({ type: 'say', topic: 'abc' })
  t.same(await client.next(), { said: 'abc' })
  client.send({ type: 'say', topic: 'b' })
  t.same(await client.next(), { error: 'not allowed' })
  client.send({ type: 'auth', token: tokenFor({ sub: 'alice', rooms: ['b'] }) })
  t.same(await client.next(), { type: 'auth', ok: true })
  client.send({ type: 'say', topic: 'b' })
  t.same(await client.next(), { said: 'b' })
})

t.test('a native listener asks for tokens, too', async (t) => {
  const app = own(t)
  await app.register(signalbox, { config: { JWT_SECRET: secret, NATIVE_PORTS: ['tom:0', 'peerjs:0'], HOST: '127.0.0.1' } })
  await start(app)
  const [tom = 0, peerjs = 0] = app.nativePorts
  t.equal((await begin(t, tom, '/').closed).code, 1008)
  t.equal((await fetch(`${urlOf(peerjs)}/peerjs/peers`)).status, 401)
  const node = await connect(t, tom, `/?token=${tokenFor({ sub: 'a' })}`)
  node.send({ type: 'register', nodeId: 'a', username: 'A' })
  t.match(await node.next(), { type: 'participants' })
  const peer = await connect(t, peerjs, `/peerjs?key=peerjs&id=a&token=${tokenFor({ sub: 'a' })}`)
  t.same(await peer.next(), { type: 'OPEN' })
})
