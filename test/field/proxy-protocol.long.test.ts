import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { enter } from '../../src/testing/actors.js'
import { runProxy, temporary } from '../deploy/proxy-process.js'
import { connect, type Env, until, urlOf } from '../helper.js'
import { run, start } from '../process.js'
import { builtIn } from '../routes/dialects.js'
import { filesFor, request } from '../tls/secure.js'

const trusting: Env = { PROXY_PROTOCOL: 'true', TRUST_PROXY: 'loopback' }

interface Balanced {
  /** The ports of HAProxy that lead to the main listener: with version 1, and with version 2. */
  readonly ports: readonly number[]
  readonly native: number
  /** Rows of HAProxy's statistics: the servers, each with its state and how often it went down. */
  states (): Promise<string[][]>
}

/** HAProxy in TCP mode before a server, with checks. */
async function balance (t: Test, main: number, native: number): Promise<Balanced> {
  const [first, second, third, stats, directory] = [await freePort(), await freePort(), await freePort(), await freePort(), temporary(t)]
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(config, `
defaults
  timeout connect 1s
  timeout client 90s
  timeout server 90s
  default-server check inter 100ms fall 1 rise 1
listen stats
  mode http
  bind 127.0.0.1:${stats}
  stats enable
  stats uri /
listen v1
  mode tcp
  bind 127.0.0.1:${first}
  server node 127.0.0.1:${main} send-proxy
listen v2
  mode tcp
  bind 127.0.0.1:${second}
  server node 127.0.0.1:${main} send-proxy-v2
listen native
  mode tcp
  bind 127.0.0.1:${third}
  server node 127.0.0.1:${native} send-proxy-v2 proxy-v2-options crc32c,unique-id
`)
  await runProxy(t, 'haproxy', ['-db', '-f', config])
  const states = async () => (await (await fetch(`${urlOf(stats)}/;csv`)).text())
    .split('\n').map((line) => line.split(',')).filter(([, name]) => name === 'node').map((row) => [row[17] ?? '', row[21] ?? ''])
  await until(async () => await states().then((rows) => rows.every(([state]) => state === 'UP'), () => false))
  return { ports: [first, second], native: third, states }
}

t.test('behind HAProxy with send-proxy and send-proxy-v2 clients have their own addresses and limits, in every dialect', async (t) => {
  const native = await freePort()
  const { port, output } = await start(t, { ...trusting, NATIVE_PORTS: `tom:${native}`, MAX_CLIENTS_PER_ADDRESS: '2' })
  const balanced = await balance(t, port, native)
  for (const [at, way] of balanced.ports.entries()) {
    const localAddress = `127.0.0.${8 + at}`
    for (const subject of builtIn) {
      const alice = await enter(t, urlOf(way), subject, 'alice', { options: { localAddress } })
      const bob = await enter(t, urlOf(way), subject, 'bob', { options: { localAddress }, place: alice.place })
      alice.signal(bob.id, { hello: subject.name })
      t.same(await bob.hears(), { sender: alice.id, load: { hello: subject.name } })
      if (subject === builtIn[0]) t.equal((await (await connect(t, way, '/tom', { localAddress })).closed).code, 1013)
      for (const { client } of [alice, bob]) await client.close()
    }
    await until(() => output.stdout.includes(`"address":"${localAddress}"`))
  }
  const client = await connect(t, balanced.native, '/', { localAddress: '127.0.0.20' })
  await until(() => output.stdout.includes('"address":"127.0.0.20"'))
  await client.close()
  t.same(await balanced.states(), Array(3).fill(['UP', '0']))
  t.notMatch(output.stdout, 'PROXY_PROTOCOL')
})

t.test('a handshake with TLS passes it to ours, which sees the client’s address', async (t) => {
  const { env: { TLS_CERT, TLS_KEY }, client } = filesFor(t)
  const native = await freePort()
  const { port, output } = await start(t, { ...trusting, TLS_CERT, TLS_KEY, NATIVE_PORTS: `tom:${native}`, CONNECT_RATE: '1' })
  const balanced = await balance(t, port, native)
  for (const [at, way] of balanced.ports.entries()) {
    const credentials = { ...client(), localAddress: `127.0.0.${8 + at}` }
    t.equal((await request(`https://127.0.0.1:${way}/tom/id`, credentials)).status, 200)
    t.equal((await request(`https://127.0.0.1:${way}/tom/id`, credentials)).status, 429)
    await connect(t, `https://127.0.0.1:${way}`, '/tom', credentials)
    await until(() => new RegExp(`"event":"connect",.*"address":"127.0.0.${8 + at}"`).test(output.stdout))
  }
})

t.test('the health check of the image sends a header where one is asked of it', async (t) => {
  const script = fileURLToPath(new URL('../../deploy/health-check.js', import.meta.url))
  const { env: { TLS_CERT, TLS_KEY } } = filesFor(t)
  for (const env of [trusting, { ...trusting, TRUST_PROXY: '10.0.0.0/8' }, { ...trusting, TLS_CERT, TLS_KEY }]) {
    const { port, child, exited } = await start(t, env)
    t.equal(await run(t, { ...env, PORT: String(port) }, [], script).exited, 0)
    child.kill('SIGKILL')
    await exited
  }
})
