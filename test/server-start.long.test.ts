import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { start } from './process.js'

/** What all threads of a process have used of the CPU, in ms, whatever else the machine does. Linux only. */
function cpuOf (pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6
}

/** The least of some starts, until the server says on which port it listens. */
async function startOf (t: Test, env: Record<string, string>): Promise<number> {
  let least = Infinity
  for (let round = 0; round < 3; round++) {
    const { child, exited } = await start(t, env)
    least = Math.min(least, cpuOf(child.pid as number))
    child.kill('SIGKILL')
    await exited
  }
  return Math.round(least)
}

/** The same for a process that only loads Fastify and its WebSockets: how fast the machine is now. */
function startOfFastify (): number {
  const code = `
    await import('fastify')
    await import('@fastify/websocket')
    const { user, system } = process.cpuUsage()
    console.log(user + system)
  `
  const rounds = Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code])))
  return Math.round(Math.min(...rounds) / 1000)
}

// Relative, since the same start takes 0.8 s at one pace of a machine and 1.8 s at another.
t.test('a start takes at most seven times the CPU of loading Fastify, and with all dialects hardly more', async (t) => {
  const [fastify, usual, all] = [startOfFastify(), await startOf(t, {}), await startOf(t, { DIALECTS: 'all' })]
  t.comment(`${fastify} ms for Fastify, ${usual} ms by default, ${all} ms with all`)
  t.ok(all < 7 * fastify, `${all} ms, and ${fastify} ms for Fastify`)
  t.ok(all < 1.4 * usual, `${all} ms, and ${usual} ms by default`)
})
