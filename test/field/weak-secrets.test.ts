import fastify from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import type { GivenConfig } from '../../src/config/read.js'

/** What an app warns about on its start, as far as it is about secrets. */
async function warnings (t: Test, config: GivenConfig): Promise<string[]> {
  const lines: string[] = []
  const app = fastify({ logger: { level: 'warn', stream: { write (line: string) { lines.push(line) } } } })
  t.teardown(async () => await app.close())
  app.register(signalbox, { config })
  await app.ready()
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg).filter((message) => message.includes('guessed'))
}

const advice = 'has fewer than 32 bytes and may be guessed: `openssl rand -base64 32` prints a better one'

t.test('a METRICS_TOKEN or TURN_SECRET that may be guessed is warned about, without a word of it', async (t) => {
  for (const short of ['x', 'hunter2', 'x'.repeat(31)]) {
    t.same(await warnings(t, { METRICS_TOKEN: short }), [`METRICS_TOKEN ${advice}`])
    t.same(await warnings(t, { TURN_URLS: ['turn:turn.test'], TURN_SECRET: short }), [`TURN_SECRET ${advice}`])
  }
})

t.test('one that is long enough, or not there, is no reason to warn', async (t) => {
  const long = 'é'.repeat(16)
  t.same(await warnings(t, { METRICS_TOKEN: long, TURN_URLS: ['turn:turn.test'], TURN_SECRET: long }), [])
  t.same(await warnings(t, {}), [])
})
