import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Dialect, Type } from '../../src/index.js'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { connect } from '../helper.js'

const bare = <Name extends string>(type: Name) => Type.Object({ type: Type.Literal(type) })

const frames = { throw: bare('throw'), reject: bare('reject'), odd: bare('odd'), slow: bare('slow'), fine: bare('fine') }

interface Peer { say: (type: string) => void }

const secret = new Error('secret of /etc/passwd')

/** A dialect that fails in every way it can. */
const faulty: Dialect<typeof frames, Peer> = {
  name: 'faulty',
  frames,
  handlers: {
    throw () { throw secret },
    async reject () { throw secret },
    // eslint-disable-next-line no-throw-literal -- what careless code throws
    odd () { throw undefined },
    async slow ({ say }) {
      await new Promise((resolve) => setImmediate(resolve))
      say('slow')
    },
    fine ({ say }) { say('fine') }
  },
  errors: {
    frame: (sentence) => JSON.stringify({ type: 'error', sentence }),
    notJson: 'not JSON',
    unknownType: () => 'unknown type',
    malformed: () => 'malformed',
    internal: 'internal error'
  },
  open: (connection) => ({ say: (type) => connection.deliver(JSON.stringify({ type })) }),
  close () {}
}

const internalError = { type: 'error', sentence: 'internal error' }

/** The stock server with dialects of our own. */
async function buildWith (t: Test, dialects: Record<string, Dialect<typeof frames, Peer>>): Promise<FastifyInstance> {
  const app = createService(readConfig({ LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await app.close())
  app.register(async (app) => {
    for (const [url, dialect] of Object.entries(dialects)) app.route({ url, ...app.speak(dialect) })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

for (const way of ['throw', 'reject', 'odd']) {
  t.test(`a handler that fails by ${way} is that frame’s error only`, async (t) => {
    const app = await buildWith(t, { '/faulty': faulty })
    const client = await connect(t, app, '/faulty')
    for (const type of ['fine', way, 'fine', way, way, 'slow', 'fine']) client.send({ type })
    const expected = [{ type: 'fine' }, internalError, { type: 'fine' }, internalError, internalError, { type: 'slow' }, { type: 'fine' }]
    for (const frame of expected) t.same(await client.next(), frame)
  })
}

t.test('a handler that fails leaves the other sockets and dialects alone', async (t) => {
  const app = await buildWith(t, { '/faulty': faulty })
  const [broken, same, other] = await Promise.all([connect(t, app, '/faulty'), connect(t, app, '/faulty'), connect(t, app, '/drone')])
  broken.send({ type: 'reject' })
  t.same(await broken.next(), internalError)
  same.send({ type: 'fine' })
  t.same(await same.next(), { type: 'fine' })
  other.send({ type: 'ping' })
  t.match(await other.next(), { type: 'pong' })
})

t.test('a connection that cannot be opened gets the error and is closed with 1008', async (t) => {
  const app = await buildWith(t, {
    '/throws': { ...faulty, name: 'throws', open () { throw secret } },
    '/rejects': { ...faulty, name: 'rejects', async open () { throw secret } }
  })
  for (const path of ['/throws', '/rejects']) {
    const client = await connect(t, app, path)
    client.send({ type: 'fine' })
    t.same(await client.next(), internalError)
    t.equal((await client.closed).code, 1008)
    t.same(client.taken(), [], 'no handler ran')
  }
})

t.test('a peer whose leaving fails is gone all the same', async (t) => {
  const app = await buildWith(t, {
    '/throws': { ...faulty, name: 'throws', close () { throw secret } },
    '/rejects': { ...faulty, name: 'rejects', async close () { throw secret } }
  })
  for (const path of ['/throws', '/rejects']) {
    const client = await connect(t, app, path)
    client.send({ type: 'fine' })
    await client.next()
    await client.close()
    t.equal(app.signalbox.connections.size, 0)
  }
  const next = await connect(t, app, '/throws')
  next.send({ type: 'fine' })
  t.same(await next.next(), { type: 'fine' })
})
