import { chmodSync, chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { enter } from '../../src/testing/actors.js'
import { temporary } from '../deploy/proxy-process.js'
import { ask, startNginx } from '../deploy/tls-proxies.js'
import { connect, until } from '../helper.js'
import { run, startAt } from '../process.js'
import { builtIn } from '../routes/dialects.js'

const nogroup = 65534

/** A path whose file gets the group of nginx, as systemd would give it to the server. */
function pathForNginx (t: Test): string {
  const directory = temporary(t)
  if (process.getuid?.() === 0) {
    chownSync(directory, 0, nogroup)
    chmodSync(directory, 0o2750)
  }
  return join(directory, 'signalbox.sock')
}

t.test('nginx as in docs/deploy.md leads to a Unix socket: every dialect, REST, the clients’ addresses, and the drain', async (t) => {
  const path = pathForNginx(t)
  const env = { TRUST_PROXY: 'loopback', CONNECT_RATE: '20', MAX_CLIENTS_PER_ADDRESS: '2' }
  const { child, exited, output } = await startAt(t, path, env)
  const proxy = await startNginx(t, { nodes: [path] })
  const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
  t.ok(page.includes('    proxy_pass http://unix:/run/signalbox/signalbox.sock:/;\n'))
  t.equal((await ask(proxy, '/health')).status, 200)
  t.equal((await ask(proxy, '/ready')).status, 200)
  for (const subject of builtIn) {
    const alice = await enter(t, proxy.url, subject, 'alice', { options: { ca: proxy.ca, localAddress: '127.0.0.8' } })
    const bob = await enter(t, proxy.url, subject, 'bob', { options: { ca: proxy.ca, localAddress: '127.0.0.8' }, place: alice.place })
    alice.signal(bob.id, { hello: subject.name })
    t.same(await bob.hears(), { sender: alice.id, load: { hello: subject.name } })
    for (const { client } of [alice, bob]) await client.close()
  }
  await until(() => /"event":"connect",.*"address":"127\.0\.0\.8"/.test(output.stdout))
  const options = (localAddress: string) => ({ ca: proxy.ca, localAddress, headers: { 'x-forwarded-for': '192.0.2.1' } })
  const held = [await connect(t, proxy.url, '/tom', options('127.0.0.9')), await connect(t, proxy.url, '/tom', options('127.0.0.9'))]
  t.equal((await (await connect(t, proxy.url, '/tom', options('127.0.0.9'))).closed).code, 1013)
  held.push(await connect(t, proxy.url, '/tom', options('127.0.0.10')))
  child.kill('SIGTERM')
  for (const { closed } of held) t.equal((await closed).code, 1001)
  t.equal(await exited, 0)
})

t.test('the health check of the image asks there', async (t) => {
  const script = fileURLToPath(new URL('../../deploy/health-check.js', import.meta.url))
  const path = join(temporary(t), 'signalbox.sock')
  const check = async () => await run(t, { HOST: `unix:${path}` }, [], script).exited
  t.equal(await check(), 1)
  await startAt(t, path)
  t.equal(await check(), 0)
})
