import t from 'tap'
import { connect, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { holdsBehind } from './behind-proxy.js'
import { startHaproxy } from './tls-proxies.js'

holdsBehind(t, startHaproxy)

t.test('of two nodes, the one that drains gets nobody new, and the one that is gone neither', async (t) => {
  const [ending, staying] = await Promise.all([start(t, { DRAIN_MS: '1000' }), start(t)])
  const { url, ca } = await startHaproxy(t, { nodes: [ending.port, staying.port] })
  const before = []
  for (let client = 0; client < 10; client++) before.push(await connect(t, url, '/tom', { ca }))
  ending.child.kill('SIGTERM')
  await until(async () => (await fetch(`${urlOf(ending.port)}/ready`)).status === 503)
  for (let client = 0; client < 10; client++) await connect(t, url, '/tom', { ca })
  t.equal(await ending.exited, 0)
  t.ok(before.some(({ socket }) => socket.readyState === socket.OPEN), 'only some were on it')
  for (let client = 0; client < 10; client++) await connect(t, url, '/tom', { ca })
})
