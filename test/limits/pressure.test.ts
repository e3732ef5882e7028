import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { build, connect, refusal, until, urlOf } from '../helper.js'
import { standStill } from '../timing/stand-still.js'

t.test('a process that is behind lets nobody in until it has caught up, and serves those it has', async (t) => {
  const app = await build(t, { MAX_EVENT_LOOP_DELAY: '50' })
  const alice = await connect(t, app, '/drone')
  const isIn = () => app.signalbox.connections.counters.refused.get('pressure') === 0
  const behind = setInterval(standStill, 1, 250)
  t.teardown(() => clearInterval(behind))
  await until(async () => {
    const socket = await connect(t, app, '/drone').catch(() => undefined)
    await socket?.close()
    return !isIn()
  })
  const { status, headers } = await refusal(t, app, '/drone')
  t.equal(status, 503)
  t.match(headers['retry-after'], /^[5-9]$/)
  alice.send({ type: 'ping' })
  t.match(await alice.next(), { type: 'pong' })
  t.equal((await fetch(`${urlOf(app)}/health`)).status, 200)

  clearInterval(behind)
  await until(async () => await connect(t, app, '/drone').then(() => true, () => false))
})

t.test('a process that is short of memory lets nobody in', async (t) => {
  const app = await build(t, { MAX_MEMORY: '1048576' })
  await until(async () => await refusal(t, app, '/rooms').then(({ status }) => status === 503, () => false))
  t.equal((await fetch(`${urlOf(app)}/metrics`)).status, 200, 'whoever watches it still sees')
})

t.test('a process that was busy while it started lets everybody in at once', async (t) => {
  const app = createService(readConfig({ LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await app.close())
  app.register(async () => {
    for (let second = 0; second < 3; second++) {
      standStill(1_100)
      await delay(1)
    }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await connect(t, app, '/drone')
})
