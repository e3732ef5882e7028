import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { pairFor, tokenFor } from '../auth/tokens.js'
import { begin, build, connect, urlOf } from '../helper.js'

const key = pairFor('ES256')
const tokenOf = (kid: string) => tokenFor({ sub: 'alice' }, { alg: 'ES256', key: key.privateKey, header: { kid } })

/** A key server that counts, and fails once it is told to. */
async function keyServer (t: Test, isFailing: boolean) {
  const state = { fetches: 0, isFailing, fail: (response: ServerResponse) => { response.writeHead(503).end() } }
  const server = createServer((_request, response) => {
    state.fetches++
    if (state.isFailing) state.fail(response)
    else response.end(JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'real' }] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return Object.assign(state, { env: { JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` } })
}

/** Shows made-up tokens for so long, by REST and by handshakes. In ms. Answers how many. */
async function flood (t: Test, app: Awaited<ReturnType<typeof build>>, ms: number): Promise<number> {
  const until = performance.now() + ms
  let count = 0
  while (performance.now() < until) {
    const statuses = await Promise.all(Array.from(
      { length: 20 },
      async () => (await fetch(`${urlOf(app)}/tom/peers?token=${tokenOf(`made up ${count++}`)}`)).status
    ))
    if (statuses.some((status) => status !== 401)) t.fail('a made-up token was taken')
    t.match(await begin(t, app, `/tom?token=${tokenOf(`made up ${count++}`)}`).closed, { code: 1008 })
  }
  return count
}

t.test('made-up tokens do not flood a key server that fails', async (t) => {
  const server = await keyServer(t, true)
  const app = await build(t, server.env)
  const tokens = await flood(t, app, 4_000)
  // At once, after 1 s, and after 2 s more.
  t.ok(server.fetches <= 3, `${server.fetches} fetches for ${tokens} tokens`)
  t.ok(server.fetches >= 2, 'it is asked again')
})

t.test('while the key server fails, clients with keys that are known are let in at once, whatever others make up', async (t) => {
  const server = await keyServer(t, false)
  const app = await build(t, server.env)
  await connect(t, app, `/drone?token=${tokenOf('real')}`)
  server.isFailing = true
  // No answer at all, so that whoever waited for one would be late.
  server.fail = () => {}
  const attack = flood(t, app, 4_000)
  const took: number[] = []
  for (let client = 0; client < 20; client++) {
    const started = performance.now()
    const honest = await connect(t, app, `/drone?token=${tokenOf('real')}`)
    honest.send({ type: 'ping' })
    t.match(await honest.next(), { type: 'pong' })
    took.push(performance.now() - started)
  }
  await attack
  t.ok(Math.max(...took) < 1_500, `${Math.round(Math.max(...took))} ms at most`)
  t.ok(server.fetches <= 3, `${server.fetches} fetches`)
})
