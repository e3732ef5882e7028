import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'

// Most of the time goes into waiting for the server's own timeouts.
t.jobs = 3

const page = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8')
const sources = [...page.matchAll(/^```js\n(import [^]*?)^```$/gm)].map(([, source = '']) => source)
const [dialect = '', tests = ''] = ['signalbox', 'signalbox/testing'].map((name) => sources.find((source) => source.includes(`'${name}'`)))

interface Run {
  status: number | null
  /** Titles of the tests that passed. */
  passed: string[]
  failed: string[]
}

/** Runs a file of tests as anybody does who has installed the package, under its name and built. */
async function runTests (file: string): Promise<Run> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, status] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve) => child.on('close', resolve))
  ])
  const titles = (result: string) => [...output.matchAll(new RegExp(`^ *${result} \\d+ - (.*)$`, 'gm'))].map(([, title = '']) => title)
  return { status, passed: titles('ok'), failed: titles('not ok') }
}

t.test('examples/y-webrtc survives the contract under node:test', { buffered: true }, async (t) => {
  const { status, passed, failed } = await runTests('examples/y-webrtc/index.test.js')
  t.same({ status, failed }, { status: 0, failed: [] })
  t.ok(passed.length > 15)
})

t.test('the example in docs/dialects.md survives the contract with the test file next to it', { buffered: true }, async (t) => {
  const directory = t.testdir({ 'whisper.js': dialect, 'whisper.test.js': tests })
  const { status, passed, failed } = await runTests(join(directory, 'whisper.test.js'))
  t.same({ status, failed }, { status: 0, failed: [] })
  t.ok(passed.includes('nobody speaks under another’s name'))
})

t.test('a dialect that believes what a client says of itself fails at exactly that', { buffered: true }, async (t) => {
  const broken = dialect.replace('{ to, text }', '{ to, text, from = member?.id }').replace('from: member.id', 'from')
  const directory = t.testdir({ 'whisper.js': broken, 'whisper.test.js': tests })
  const { status, failed } = await runTests(join(directory, 'whisper.test.js'))
  t.equal(status, 1)
  t.same(failed.filter((title) => !title.startsWith('whisper') && !title.endsWith('.js')), ['nobody speaks under another’s name'])
})
