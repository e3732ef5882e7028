import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { tomPeer } from '../cluster/nodes.js'
import { build, until, urlOf } from '../helper.js'
import { run, start } from '../process.js'

const built = fileURLToPath(new URL('../../dist/src/server.js', import.meta.url))
const [entering, leaving] = ['\u001b[?1049h', '\u001b[?1049l']

/** `signalbox top` on a pseudo-terminal of this size. */
async function onTerminal (t: Test, url: string, rows: number, columns: number) {
  const { PATH = '' } = process.env
  const command = `stty rows ${rows} cols ${columns}; tty; exec ${process.execPath} ${built} top ${url}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: { PATH }, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const exited = once(child, 'close').then(([code]: unknown[]) => code)
  await until(() => output.includes(entering))
  const [tty = ''] = output.split('\r\n')
  return {
    exited,
    press: (key: string) => child.stdin.write(key),
    resize: (rows: number, columns: number) => execFileSync('stty', ['-F', tty, 'rows', String(rows), 'cols', String(columns)]),
    all: () => output,
    /** The lines of the last whole screen, without styles. */
    lines () {
      const last = output.split('\u001b[H').at(-2) ?? ''
      // eslint-disable-next-line no-control-regex
      return last.replaceAll(/\u001b\[[?\d]*[a-zA-Z]/g, '').replaceAll('\r', '').split('\n')
    }
  }
}

t.test('on a terminal it draws a screen each second, follows its size, and q restores what was there', async (t) => {
  const app = await build(t)
  const terminal = await onTerminal(t, urlOf(app), 16, 100)
  await until(() => terminal.lines().some((line) => /^connections 0 /.test(line)))
  await tomPeer(t, app, 'alice')
  await until(() => terminal.lines().some((line) => /^connections 1 {2}peers 1 /.test(line)))
  await until(() => terminal.lines().some((line) => /register +alice/.test(line)))
  t.ok(terminal.lines().some((line) => /NODE +HOST +STATUS/.test(line)))

  terminal.resize(6, 40)
  await until(() => terminal.lines().length === 6 && terminal.lines().every((line) => line.length <= 40))

  terminal.press('q')
  t.equal(await terminal.exited, 0)
  t.match(terminal.all().slice(-40), leaving)
  t.equal(terminal.all().split(entering).length, 2, 'it was entered once')
})

t.test('Ctrl-C ends it, too', async (t) => {
  const terminal = await onTerminal(t, urlOf(await build(t)), 24, 80)
  terminal.press('\u0003')
  t.equal(await terminal.exited, 0)
  t.match(terminal.all().slice(-40), leaving)
})

t.test('a server that goes is said to be lost, and is found again', async (t) => {
  const port = await freePort()
  const first = await start(t, { PORT: String(port) })
  const terminal = await onTerminal(t, urlOf(port), 24, 80)
  const lines = run(t, {}, ['top', urlOf(port), '--json'])
  await until(() => lines.output.stdout.includes('\n'))
  first.child.kill('SIGKILL')
  await until(() => terminal.lines().some((line) => /^Lost: .*\. Trying again; what follows is from before\.$/.test(line)))
  await until(() => /^signalbox: top: lost: .*; trying again\n$/.test(lines.output.stderr))
  const before = lines.output.stdout.length
  await start(t, { PORT: String(port) })
  await until(() => terminal.lines().every((line) => !line.startsWith('Lost')))
  await until(() => lines.output.stdout.length > before)
  terminal.press('q')
  t.equal(await terminal.exited, 0)
})

t.test('what cannot be shown ends with one line, and the screen is not touched', async (t) => {
  const { output, exited } = run(t, {}, ['top', `http://127.0.0.1:${await freePort()}`])
  t.equal(await exited, 1)
  t.match(output.stderr, /^signalbox: top: nothing listens there \(ECONNREFUSED\); [^\n]*\n$/)
  t.equal(output.stdout, '')
})

t.test('it ends when nobody reads its lines any more', async (t) => {
  const url = urlOf(await build(t))
  const child = spawn('sh', ['-c', '"$0" "$1" top "$2" | head -n 1', process.execPath, built, url], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill())
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  await once(child, 'close')
  t.match(output, /^[^\n]*connections 0[^\n]*\n$/)
})
