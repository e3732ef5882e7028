import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { readConfig } from '../../src/settings.js'
import { defaultTimeouts } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { type Env } from '../helper.js'
import { run } from '../process.js'
import { filesFor } from '../tls/secure.js'

const idleTimeout = 300

async function serve (t: Test, env: Env) {
  const app = createService(readConfig({ LOG_LEVEL: 'silent', ...env }, []), { timeouts: { ...defaultTimeouts, idleTimeout } })
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: 'localhost' })
  return [(app.server.address() as AddressInfo).port, ...app.nativePorts]
}

for (const kind of ['plain', 'TLS'] as const) {
  t.test(`${kind}: all listeners keep idle connections equally long, on every address that HOST=localhost names`, async (t) => {
    const { env, client } = filesFor(t)
    const tls: Env = kind === 'TLS' ? { TLS_CERT: env.TLS_CERT, TLS_KEY: env.TLS_KEY } : {}
    const ports = await serve(t, { HOST: 'localhost', NATIVE_PORTS: 'tom:0,peerjs:0', ...tls })
    const addresses = new Set((await lookup('localhost', { all: true })).map(({ address }) => address))
    const kept = await Promise.all(ports.flatMap((port) => [...addresses].map(async (host) => {
      const socket = kind === 'TLS' ? connectTls({ port, host, ...client(), servername: 'localhost' }) : connectTcp({ port, host })
      t.teardown(() => socket.destroy())
      await once(socket, kind === 'TLS' ? 'secureConnect' : 'connect')
      socket.write('GET /health HTTP/1.1\r\nhost: a\r\n\r\n')
      const [answer] = await once(socket, 'data') as [Buffer]
      const answeredAt = performance.now()
      await once(socket.resume(), 'close')
      return { keepAlive: /keep-alive: .*/i.exec(String(answer))?.[0], isKept: performance.now() - answeredAt >= idleTimeout - 50 }
    })))
    t.equal(kept.length, 3 * addresses.size)
    for (const one of kept) t.same(one, { ...kept[0], isKept: true })
  })
}

t.test('a port in use and a bad HOST stop the start, and the message names the setting', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  const used = String((holder.address() as AddressInfo).port)
  const cases: Array<[env: Env, expected: RegExp]> = [
    [{ HOST: '127.0.0.1', PORT: used }, new RegExp(`^signalbox: PORT: ${used} is in use by another process\n$`)],
    [{ HOST: '127.0.0.1', PORT: '0', NATIVE_PORTS: `tom:${used}` }, new RegExp(`^signalbox: NATIVE_PORTS: tom:${used} is in use`)],
    [{ HOST: '192.0.2.1', PORT: '0' }, /^signalbox: HOST: invalid value "192\.0\.2\.1", expected an address of this machine/],
    [{ HOST: '192.0.2.1', PORT: '0', NATIVE_PORTS: 'tom:0' }, /^signalbox: HOST: invalid value "192\.0\.2\.1"/],
    [{ HOST: 'nowhere.invalid', PORT: '0' }, /^signalbox: HOST: invalid value "nowhere\.invalid"/]
  ]
  await Promise.all(cases.map(async ([env, expected]) => {
    const { exited, output } = run(t, { LOG_LEVEL: 'silent', ...env })
    t.equal(await exited, 1)
    t.match(output.stderr, expected)
  }))
  const app = createService(readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', NATIVE_PORTS: `tom:${used}` }, []))
  t.teardown(async () => await app.close())
  await t.rejects(async () => await app.ready(), ConfigError)
})
