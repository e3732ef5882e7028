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

// Some machines have two paces: the same start takes 0.8 s at one and 1.5 s at the other.
t.test('with all dialects a start takes at most 2 s of CPU, and hardly more than with those that are on by default', async (t) => {
  const [usual, all] = [await startOf(t, {}), await startOf(t, { DIALECTS: 'all' })]
  t.comment(`${usual} ms by default, ${all} ms with all`)
  t.ok(all < 2_000, `${all} ms`)
  t.ok(all < 1.4 * usual, `${all} ms, and ${usual} ms by default`)
})
