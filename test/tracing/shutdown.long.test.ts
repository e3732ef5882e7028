import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { connect, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { freePort } from '../../scripts/ports.js'
import { collect, exportTo } from './collector.js'

t.test('at the end the spans that wait are sent', async (t) => {
  const { env, spans } = await collect(t)
  const { port, child, exited } = await start(t, { ...env, OTEL_BSP_SCHEDULE_DELAY: '60000', DRAIN_MS: '0' })
  await fetch(`${urlOf(port)}/health`)
  const { closed } = await connect(t, port, '/tom')
  t.same(spans, [])
  child.kill('SIGTERM')
  t.equal((await closed).code, 1001)
  t.equal(await exited, 0)
  t.same(spans.map(({ name }) => name).sort(), ['GET /health', 'GET /tom'])
})

t.test('a collector that never answers does not keep the process', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port, child, exited } = await start(t, {
    ...exportTo((silent.address() as AddressInfo).port),
    OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
    DRAIN_MS: '0'
  })
  t.teardown(() => silent.close())
  await Promise.all([once(silent, 'connection'), fetch(`${urlOf(port)}/health`)])
  const from = performance.now()
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  const took = performance.now() - from
  t.ok(took < 20_000, `${took} ms`)
})

t.test('a collector that is not there is told in the log, and harms nobody', async (t) => {
  const { port, child, output, exited } = await start(t, {
    ...exportTo(await freePort()),
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2',
    DRAIN_MS: '0'
  })
  t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)
  await until(() => /"level":40,[^\n]*"msg":"tracing: connect ECONNREFUSED 127\.0\.0\.1:\d+"/.test(output.stdout))
  const client = await connect(t, port, '/tom')
  client.send('no JSON')
  t.match(await client.next(), { type: 'error' })
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  t.notOk(output.stdout.includes('hunter2'))
})
