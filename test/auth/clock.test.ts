import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { pino } from 'pino'
import { WebSocket, WebSocketServer } from 'ws'
import { openAudit } from '../../src/telemetry/audit.js'
import { readPermit } from '../../src/auth/permit.js'
import { Connections } from '../../src/connection/connections.js'
import { TokenRate } from '../../src/limits/token-bucket.js'
import { Timers } from '../../src/timing/timers.js'

const now = Date.now()
const day = 86_400_000

t.test('a token that expires in two months is not forgotten when the clock is set meanwhile', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [socket] = await once(server, 'connection') as [WebSocket]
  t.teardown(() => {
    client.terminate()
    server.close()
  })

  let uptime = 0
  let timeOfDay = now
  const timers = new Timers((error) => { throw error }, 25, { now: () => uptime, timeOfDay: () => timeOfDay })
  t.teardown(() => timers.close())
  const log = pino({ level: 'silent' })
  const limits = {
    maxClients: 1,
    maxClientsPerAddress: 1,
    maxPayload: 1024,
    maxBuffered: 65_536,
    messageRate: new TokenRate(100, 100),
    heartbeatMs: 2 ** 31 - 1,
    idProbeMs: 0
  }
  const connections = new Connections(limits, { timers, log, audit: openAudit({ LOG_LEVEL: 'silent' }, log), leave: () => true })
  const permit = readPermit({ sub: 'alice', exp: (now + 60 * day) / 1000 }, now)
  const handshake = { query: {}, params: {}, headers: {}, protocol: '' }
  connections.accept(socket, { choose: () => undefined, answerPing: () => undefined, unknown: '' }, { address: '', handshake, permit })

  const passes = (ms: number) => {
    uptime += ms
    timers.advance()
  }
  passes(59_000)
  passes(61_000)
  t.equal([...connections.counters.closed].length, 0)
  timeOfDay = now + 59 * day
  passes(61_000)
  t.equal([...connections.counters.closed].length, 0)
  timeOfDay = now - day
  passes(61_000)
  t.equal([...connections.counters.closed].length, 0)
  timeOfDay = now + 60 * day
  passes(61_000)
  t.equal(connections.counters.closed.get('4102'), 1)
  const [code] = await once(client, 'close') as [number]
  t.equal(code, 4102)
})

t.test('what a payload grants is read once, and what is not of our shape is nothing', async (t) => {
  t.match(readPermit({ sub: 'alice' }, now), { subject: 'alice', expiresAt: Infinity })
  t.equal(readPermit({ sub: 'alice', exp: now / 1000 }, now), undefined, 'at its expiry it has expired')
  t.ok(readPermit({ sub: 'alice', exp: (now + 1) / 1000 }, now))
  t.ok(readPermit({ sub: 'alice', iat: (now + 5_000) / 1000 }, now))
  t.equal(readPermit({ sub: 'alice', iat: (now + 5_002) / 1000 }, now), undefined)
  for (const payload of [
    undefined, null, 'alice', [], {}, { sub: 7 }, { sub: 'a', exp: Infinity }, { sub: 'a', exp: null },
    { sub: 'a', ids: 'b' }, { sub: 'a', ids: [7] }, { sub: 'a', dialects: null }, { sub: 'a', groups: {} }
  ]) {
    t.equal(readPermit(payload, now), undefined, JSON.stringify(payload))
  }
})
