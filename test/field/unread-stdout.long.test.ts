import { once } from 'node:events'
import t from 'tap'
import { connect, urlOf } from '../helper.js'
import { start } from '../process.js'

const pairs = 250
const rounds = 40
const drainMs = 1_000

// Lines of requests and of connects alone are more than a pipe and the server's own buffer hold.
const env = { LOG_LEVEL: 'debug', DRAIN_MS: String(drainMs), CONNECT_RATE: '100000', MESSAGE_RATE: '100000', MESSAGE_BURST: '100000' }

t.test('500 connections into a server whose stdout nobody reads: each relay arrives in time, and SIGTERM drains', async (t) => {
  const { child, output, port } = await start(t, env)
  child.stdout?.pause()
  const read = output.stdout.length
  const all = await Promise.all(Array.from({ length: pairs }, async (_, at) => {
    const pair = [await connect(t, port, '/drone'), await connect(t, port, '/drone')] as const
    for (const [side, client] of pair.entries()) {
      client.send({ type: 'register', id: `${at}-${side}` })
      await client.nextOf('registered')
    }
    return pair
  }))
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    await Promise.all(all.map(async ([caller, callee], at) => {
      const sentAt = performance.now()
      caller.send({ type: 'ice', target: `${at}-1`, candidate: { candidate: `${round} of ${at}` } })
      const { candidate } = await callee.nextOf('ice')
      if ((candidate as { candidate: string }).candidate === `${round} of ${at}`) times.push(performance.now() - sentAt)
    }))
  }
  t.equal(output.stdout.length, read, 'nobody has read what it logged')
  t.equal(times.length, rounds * pairs, 'each arrives, in its turn')
  t.ok(Math.max(...times) < 3_000, `the slowest in ${Math.round(Math.max(...times))} ms`)
  t.equal((await fetch(`${urlOf(port)}/health`)).status, 200)

  const exited = once(child, 'exit')
  const startedAt = performance.now()
  child.kill('SIGTERM')
  const codes = await Promise.all(all.flat().map(async ({ closed }) => (await closed).code))
  t.same(new Set(codes), new Set([1001]))
  t.same(await exited, [0, null])
  t.ok(performance.now() - startedAt < drainMs + 5_000)
})
