import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { connect, refusal, until, urlOf } from './helper.js'
import { start } from './process.js'

/** A process may take so long beyond what it was set to. In ms. */
const grace = 5000

/** A TCP connection that has written something and then only listens. */
async function raw (t: Test, port: number, text: string): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  await new Promise((resolve) => socket.write(text, resolve))
  return socket
}

const upgrade = 'GET /tom HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

t.test('SIGTERM: nobody new is let in, REST answers, and everybody is closed with 1001, spread over DRAIN_MS', async (t) => {
  const drainMs = 2000
  const { port, child, exited } = await start(t, { DRAIN_MS: String(drainMs) })
  t.equal((await fetch(`${urlOf(port)}/ready`)).status, 200)
  const clients = []
  for (let client = 0; client < 20; client++) clients.push(await connect(t, port, '/tom'))

  const startedAt = performance.now()
  child.kill('SIGTERM')
  const ends = clients.map(async ({ closed }) => ({ ...await closed, after: performance.now() - startedAt }))
  await until(async () => (await fetch(`${urlOf(port)}/ready`)).status === 503)
  t.ok(performance.now() - startedAt < drainMs / 2, 'not ready at once')
  for (const path of ['/tom', '/', '/peerjs?key=peerjs&id=a&token=b']) {
    const { status, headers } = await refusal(t, port, path)
    t.equal(status, 503)
    t.ok(headers['retry-after'])
  }
  t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)
  t.equal((await fetch(`${urlOf(port)}/tom/id`)).status, 200)

  const all = await Promise.all(ends)
  t.same(new Set(all.map(({ code }) => code)), new Set([1001]))
  const times = all.map(({ after }) => after).sort((a, b) => a - b)
  t.ok((times[19] ?? 0) - (times[0] ?? 0) > drainMs / 2, 'not all at once')
  t.ok((times[19] ?? 0) < drainMs + grace)
  t.equal(await exited, 0)
  t.ok(performance.now() - startedAt < drainMs + grace)
})

t.test('clients that do not answer and requests that do not end hold nothing up', async (t) => {
  const drainMs = 500
  const { port, child, exited, output } = await start(t, { DRAIN_MS: String(drainMs), NATIVE_PORTS: 'tom:0' })
  const nativePort = Number(/tom alone at 127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1])
  for (const to of [port, nativePort]) {
    const mute = await raw(t, to, upgrade)
    await once(mute, 'data')
    await raw(t, to, 'POST /tom/id HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    await raw(t, to, 'GET /health HTTP/1.1\r\nhost:')
    await raw(t, to, '')
  }
  const startedAt = performance.now()
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  t.ok(performance.now() - startedAt < drainMs + grace)
})

t.test('a second SIGTERM changes nothing', async (t) => {
  const { port, child, exited } = await start(t, { DRAIN_MS: '1000' })
  const clients = [await connect(t, port, '/tom'), await connect(t, port, '/drone')]
  child.kill('SIGTERM')
  await until(async () => (await fetch(`${urlOf(port)}/ready`)).status === 503)
  child.kill('SIGTERM')
  for (const { closed } of clients) t.equal((await closed).code, 1001)
  t.equal(await exited, 0)
})

t.test('a second Ctrl-C ends the process at once, unless it is the first one that npm passes on', async (t) => {
  const { port, child, exited } = await start(t, { DRAIN_MS: '60000' })
  for (let client = 0; client < 2; client++) await connect(t, port, '/tom')
  child.kill('SIGINT')
  child.kill('SIGINT')
  await until(async () => (await fetch(`${urlOf(port)}/ready`)).status === 503)
  const startedAt = performance.now()
  t.teardown(() => clearInterval(impatient))
  const impatient = setInterval(() => child.kill('SIGINT'), 100)
  t.equal(await exited, 1)
  t.ok(performance.now() - startedAt < grace)
})

t.test('SIGINT with DRAIN_MS=0 closes everybody with 1001 at once', async (t) => {
  const { port, child, exited } = await start(t, { DRAIN_MS: '0' })
  const clients = []
  for (let client = 0; client < 10; client++) clients.push(await connect(t, port, '/tom'))
  const startedAt = performance.now()
  child.kill('SIGINT')
  for (const { closed } of clients) t.equal((await closed).code, 1001)
  t.equal(await exited, 0)
  t.ok(performance.now() - startedAt < grace)
})

t.test('with nobody connected the process ends without waiting', async (t) => {
  const { child, exited } = await start(t, { DRAIN_MS: '60000' })
  child.kill('SIGTERM')
  t.equal(await exited, 0)
})
