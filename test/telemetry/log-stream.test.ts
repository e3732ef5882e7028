import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { logStream } from '../../src/telemetry/log-stream.js'
import { until } from '../helper.js'

const describeLoss = (lines: number) => `${lines} lost`

/** A named pipe, and a function that reads what is in it. */
function pipe (t: Test): { path: string, read: () => string } {
  const path = join(t.testdir(), 'log')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.teardown(() => closeSync(fd))
  const bytes = Buffer.alloc(1_048_576)
  const read = () => {
    try {
      return bytes.toString('utf8', 0, readSync(fd, bytes))
    } catch (error) {
      t.equal((error as NodeJS.ErrnoException).code, 'EAGAIN', 'the pipe is empty')
      return ''
    }
  }
  return { path, read }
}

t.test('lines are written at the end of their turn, in order, and the rest at the end', async (t) => {
  const path = join(t.testdir(), 'log')
  const stream = logStream({ path, describeLoss })
  stream.write('one\n')
  stream.write('two\n')
  t.equal(readFileSync(path, 'utf8'), '')
  await turn()
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  stream.write('three\n')
  stream.end()
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthree\n')
})

t.test('a reader that stands still holds nobody up, and hears how many lines it has lost', async (t) => {
  const { path, read } = pipe(t)
  const stream = logStream({ path, describeLoss })
  const line = `${'x'.repeat(1023)}\n`
  let slowest = 0
  for (let at = 0; at < 3_000; at++) {
    const startedAt = performance.now()
    stream.write(line)
    slowest = Math.max(slowest, performance.now() - startedAt)
    if (at % 100 === 0) await turn()
  }
  t.ok(slowest < 100, `${slowest} ms for a line at most`)
  let text = ''
  await until(() => {
    text += read()
    return text.includes('lost')
  })
  const lines = text.split('\n').slice(0, -1)
  const lost = Number(/^(\d+) lost$/.exec(lines.pop() ?? '')?.[1])
  t.equal(lines.length + lost, 3_000)
  t.same([...new Set(lines)], ['x'.repeat(1023)], 'whole lines')
  stream.write('later\n')
  await until(() => read() === 'later\n')
  stream.end()
})

t.test('at the end, too, a reader that stands still is waited for a moment only', async (t) => {
  const { path } = pipe(t)
  const stream = logStream({ path, describeLoss })
  stream.write(`${'x'.repeat(500_000)}\n`)
  const startedAt = performance.now()
  stream.end()
  t.ok(performance.now() - startedAt < 200)
})

t.test('lines that the system refuses are lost, counted, and do not stop the rest', async (t) => {
  const errors: string[] = []
  const stream = logStream({ path: '/dev/full', describeLoss, onError: ({ message }) => errors.push(message) })
  stream.write('one\ntwo\n')
  await turn()
  stream.write('three\n')
  await turn()
  t.equal(errors.length, 2)
  t.match(errors[0], /ENOSPC/)
  stream.end()
})
