import { once } from 'node:events'
import t from 'tap'
import { connect, until, urlOf } from '../helper.js'
import { start } from '../process.js'

/** A record a signal, and many signals. */
const env = { LOG_LEVEL: 'debug', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', CONNECT_RATE: '1000000', DRAIN_MS: '0' }

/** Signals there and back, which the trail records, until so many bytes must have been logged. */
async function chat (t: Parameters<typeof connect>[0], port: number, bytes: number): Promise<number> {
  const [caller, callee] = [await connect(t, port, '/drone'), await connect(t, port, '/drone')]
  for (const [client, id] of [[caller, 'caller'], [callee, 'callee']] as const) {
    client.send({ type: 'register', id })
    await client.nextOf('registered')
  }
  let slowest = 0
  for (let logged = 0; logged < bytes;) {
    const started = performance.now()
    for (let at = 0; at < 100; at++) caller.send({ type: 'ice', target: 'callee', candidate: { at } })
    for (let at = 0; at < 100; at++) await callee.nextOf('ice')
    slowest = Math.max(slowest, performance.now() - started)
    // A record has at least so many.
    logged += 100 * 100
  }
  return slowest
}

t.test('a server whose log nobody reads relays, answers and drains', async (t) => {
  const { child, port } = await start(t, env)
  child.stdout?.pause()
  const slowest = await chat(t, port, 3_000_000)
  t.ok(slowest < 3_000, `${Math.round(slowest)} ms for 100 signals at most`)
  t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const started = performance.now()
  t.same(await exited, [0, null])
  t.ok(performance.now() - started < 5_000)
})

t.test('once somebody reads the log again it says how many lines were lost, and goes on', async (t) => {
  const { child, output, port } = await start(t, env)
  child.stdout?.pause()
  await chat(t, port, 3_000_000)
  child.stdout?.resume()
  await until(() => output.stdout.includes('lines of this log were lost'))
  const whole = output.stdout.slice(0, output.stdout.lastIndexOf('\n'))
  const lines = whole.split('\n').map((line) => JSON.parse(line) as { event?: string, lines?: number })
  const lost = lines.reduce((sum, { lines = 0 }) => sum + lines, 0)
  t.ok(lost > 1_000, `${lost} lines were lost`)
  const before = output.stdout.length
  await fetch(`${urlOf(port)}/ready`)
  await until(() => output.stdout.slice(before).includes('/ready'))
})
