import t from 'tap'
import { build, connect, refusal, until, urlOf } from '../helper.js'

t.test('a process that is behind lets nobody in until it has caught up, and serves those it has', async (t) => {
  const app = await build(t, { MAX_EVENT_LOOP_DELAY: '50' })
  const alice = await connect(t, app, '/drone')
  const isIn = () => app.signalbox.connections.counters.refused.get('pressure') === 0
  const behind = setInterval(() => {
    const until = performance.now() + 250
    while (performance.now() < until);
  }, 1)
  t.teardown(() => clearInterval(behind))
  await until(async () => {
    const socket = await connect(t, app, '/drone').catch(() => undefined)
    await socket?.close()
    return !isIn()
  })
  const { status, headers } = await refusal(t, app, '/drone')
  t.equal(status, 503)
  t.equal(headers['retry-after'], '5')
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
