import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, type Env } from '../helper.js'

/**
 * Runs a test with the state in memory, and over two nodes on one Redis. The victim is on `one`; the attacker may be on `other`,
 * too.
 */
export function everywhere (
  t: Test,
  title: string,
  env: Env,
  run: (t: Test, one: FastifyInstance, other: FastifyInstance) => Promise<void>
): void {
  t.test(`${title}, in memory`, async (t) => {
    const app = await build(t, env)
    await run(t, app, app)
  })
  t.test(`${title}, over two nodes`, async (t) => {
    const { apps: [one, other] } = await nodesOn(t, 2, env)
    await run(t, one as FastifyInstance, other as FastifyInstance)
  })
}
