import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type GenerateId, readConfig, signalbox } from '../../src/index.js'
import { createService } from '../../src/service.js'
import { connect, urlOf } from '../helper.js'

async function listen (t: Test, app: FastifyInstance): Promise<FastifyInstance> {
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

/** The stock server with this generator. */
const serve = async (t: Test, generateId: GenerateId) =>
  await listen(t, createService(readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1' }, []), { generateId }))

/** A generator of ids that any JSON written by hand would break at. */
function counting (): GenerateId {
  let count = 0
  return () => `"ünïque\\${++count}`
}

const idPaths = ['/peerjs/id', '/rooms/id', '/psync/id', '/drone/id', '/tom/id']

t.test('every /id is made up by the generator', async (t) => {
  const app = await serve(t, counting())
  for (const [at, path] of idPaths.entries()) {
    t.equal(await (await fetch(urlOf(app) + path)).text(), `"ünïque\\${at + 1}`, path)
  }
})

t.test('it is an option of the plugin, too', async (t) => {
  const app = fastify()
  app.register(signalbox, { prefix: '/signal', generateId: counting() })
  await listen(t, app)
  t.equal(await (await fetch(`${urlOf(app)}/signal/tom/id`)).text(), '"ünïque\\1')
  t.equal(app.signalbox.generateId(), '"ünïque\\2', 'plugins of the app have it')
})

t.test('a room names its members by the generator', async (t) => {
  const app = await serve(t, counting())
  const [one, other] = [await connect(t, app, '/rooms'), await connect(t, app, '/rooms')]
  one.send({ type: 'create' })
  const { roomId, myId } = await one.next()
  t.equal(myId, '"ünïque\\1')
  other.send({ type: 'join', roomId })
  t.match(await other.next(), { type: 'room_joined', myId: '"ünïque\\2' })
  other.send({ type: 'signal', payload: 'hello' })
  t.same(await one.next(), { type: 'signal', payload: 'hello', senderId: '"ünïque\\2' })
})

t.test('what cannot be an id is given to nobody, and an error says why', async (t) => {
  for (const [made, expected] of [
    ['', 'empty text'], ['x'.repeat(257), 'text of 257 characters'], ['a\nb', 'text of 3 characters'], ['\ud800', 'text of 1 characters'],
    [7, 'a value of type number'], [undefined, 'a value of type undefined'], [Promise.resolve('id'), 'a promise']
  ] as const) {
    const app = await serve(t, (() => made) as GenerateId)
    const { status } = await fetch(`${urlOf(app)}/tom/id`)
    t.equal(status, 500, expected)
    t.throws(() => app.signalbox.generateId(), new RegExp(`^generateId returned ${expected}, expected text of 1 to 256 characters`))
  }
})

t.test('a generator that fails, or is none, ends nothing else', async (t) => {
  const app = await serve(t, () => { throw new Error('out of ids') })
  t.equal((await fetch(`${urlOf(app)}/tom/id`)).status, 500)
  const client = await connect(t, app, '/drone')
  client.send({ type: 'register', id: 'alice' })
  t.match(await client.next(), { type: 'registered', id: 'alice' })
  const wrong = createService(readConfig({ LOG_LEVEL: 'silent' }, []), { generateId: 'uuid' as unknown as GenerateId })
  await t.rejects(async () => await wrong.ready(), { message: 'generateId must be a function' })
})
