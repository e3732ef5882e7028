import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'
import { freePort, mustBeFree } from '../scripts/ports.js'
import { startRedis } from './redis.js'

t.test('a free port is none that somebody else can be given meanwhile', { skip: process.platform !== 'linux' }, async (t) => {
  const [first = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number)
  for (let look = 0; look < 20; look++) {
    const port = await freePort()
    t.ok(port < first, `${port} is below ${first}`)
    await mustBeFree(port, '127.0.0.1')
  }
})

t.test('a port that somebody listens on is not free', async (t) => {
  const port = await freePort()
  const holder = createServer().listen(port, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  await t.rejects(mustBeFree(port, '127.0.0.1'), { code: 'EADDRINUSE' })
  await t.rejects(startRedis(t, port), /Address already in use/, 'and who answers there is not taken for a Redis')
})

t.test('an address that is not ours has no free port', async (t) => {
  await t.rejects(freePort('192.0.2.1'), { code: 'EADDRNOTAVAIL' })
})
