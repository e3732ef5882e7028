import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/index.js'
import { build, urlOf } from '../helper.js'

/** What a plugin's route may do wrong, by the path of the route. */
const faults = {
  error: "throw new Error('hunter2')",
  gateway: "throw Object.assign(new Error('hunter2'), { statusCode: 502 })",
  teapot: "throw Object.assign(new Error('hunter2'), { statusCode: 42 })",
  beyond: "throw Object.assign(new Error('hunter2'), { statusCode: 1000 })",
  words: "throw Object.assign(new Error('hunter2'), { statusCode: 'hunter2' })",
  text: "throw 'hunter2'",
  nil: 'throw null',
  nothing: 'throw undefined',
  header: "reply.header('x-hunter2', 'a\\nb'); return 'hunter2'",
  circle: 'const hunter2 = {}; hunter2.hunter2 = hunter2; return hunter2',
  sent: "reply.send(new Error('hunter2')); return reply"
}

function faultyPlugin (t: Test): string {
  const path = join(t.testdir(), 'faulty.mjs')
  const routes = Object.entries(faults).map(([name, code]) => `app.get('/fault/${name}', async (request, reply) => { ${code} })`)
  writeFileSync(path, `export default async (app) => { ${routes.join('\n')} }\n`)
  return path
}

async function embedded (t: Test, plugin: string): Promise<FastifyInstance> {
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(signalbox, { prefix: '/signal', config: { PLUGINS: [plugin] } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

for (const [where, prefix, start] of [
  ['in the stock server', '', async (t: Test, plugin: string) => await build(t, { PLUGINS: plugin })],
  ['in an app around', '/signal', embedded]
] as const) {
  t.test(`whatever goes wrong in a route, the answer says nothing of the server: ${where}`, async (t) => {
    const app = await start(t, faultyPlugin(t))
    for (const name of Object.keys(faults)) {
      const response = await fetch(`${urlOf(app)}${prefix}/fault/${name}`)
      t.equal(response.status, name === 'gateway' ? 502 : 500, name)
      t.equal(await response.text(), '{"error":"internal error"}', name)
      t.notMatch([...response.headers.keys()].join(), 'hunter2', name)
    }
  })
}
