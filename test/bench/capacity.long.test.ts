import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

t.test('npm run capacity prints a row for everything that it measures', async (t) => {
  const run = fileURLToPath(new URL('../../bench/capacity/run.ts', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', run, '--quick'])
  const rows = [...stdout.matchAll(/^\| ([^|]+) \| (-?[\d.]+(?: \d{3})*) /gm)].map(([, name = '', value = '']) => [name, value])
  for (const name of [
    'idle sockets of one process', 'connects a second, psync', 'signals a second on one node, drone',
    'joins a second of a tom mesh that grows to 200', 'largest load between two nodes, tom', 'p99 at half of it'
  ]) t.ok(rows.some(([row, value]) => row === name && Number(String(value).replace(/ /g, '')) > 0), name)
  // Of so few it may be less than the garbage that was collected meanwhile.
  t.ok(rows.some(([row]) => row === 'memory of an idle peer, peerjs'))
  t.match(stderr, /\[6\/6\]/, 'and says meanwhile what it does')
})
