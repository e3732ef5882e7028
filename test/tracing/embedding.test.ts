import { FastifyOtelInstrumentation } from '@fastify/otel'
import { trace } from '@opentelemetry/api'
import { tracing } from '@opentelemetry/sdk-node'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import { connect, until, urlOf } from '../helper.js'

const exporter = new tracing.InMemorySpanExporter()
const provider = new tracing.BasicTracerProvider({ spanProcessors: [new tracing.SimpleSpanProcessor(exporter)] })
trace.setGlobalTracerProvider(provider)

/** What the spans that have ended say of their requests. */
const told = () => exporter.getFinishedSpans().map(({ name, attributes }) => [
  name,
  attributes['url.path'],
  attributes['http.response.status_code']
])

/** Somebody's own app, which has a route and us below `/signal`. */
async function start (t: Test, OTEL_ENABLED: boolean, prepare?: (app: FastifyInstance) => PromiseLike<unknown>): Promise<FastifyInstance> {
  exporter.reset()
  const app = fastify()
  t.teardown(async () => await app.close())
  await prepare?.(app)
  app.get('/mine', async () => 'mine')
  await app.register(signalbox, { prefix: '/signal', config: { OTEL_ENABLED } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

async function visit (t: Test, app: FastifyInstance): Promise<void> {
  for (const path of ['/mine', '/signal/health', '/signal/nope']) await (await fetch(`${urlOf(app)}${path}?token=hunter2`)).text()
  const node = await connect(t, app, '/signal/tom?token=hunter2')
  node.send({ type: 'register', nodeId: 'a', username: 'A' })
  t.match(await node.next(), { type: 'participants' })
}

const ours = [['GET /signal/health', '/signal/health', 200], ['GET', '/signal/nope', 404], ['GET /signal/tom', '/signal/tom', 101]]

t.test('in somebody’s own app it makes spans of our routes only, with the SDK that they have started', async (t) => {
  const app = await start(t, true)
  await visit(t, app)
  await until(() => told().length >= ours.length)
  t.same(told(), ours)
})

t.test('where the app makes spans itself, ours end all the same, and have no query', async (t) => {
  for (const OTEL_ENABLED of [false, true]) {
    const app = await start(t, OTEL_ENABLED, async (app) => {
      const instrumentation = new FastifyOtelInstrumentation({ instrumentHooks: false, instrumentHandler: false })
      await app.register(instrumentation.plugin())
    })
    await visit(t, app)
    await until(() => told().length >= 5)
    const [health, notFound, node] = ours
    const theirs = ['notFoundHandler - answerNotFound', undefined, undefined]
    t.same(told(), [['request', '/mine?token=hunter2', 200], health, theirs, notFound, node])
  }
})

t.test('without the setting there are no spans', async (t) => {
  await visit(t, await start(t, false))
  t.same(told(), [])
})
