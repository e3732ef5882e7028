import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { build, urlOf } from '../helper.js'
import { clientFor } from './client-for.js'

/** When the script is killed, since it never ends by itself. In ms. */
const patienceMs = 20_000

/** The script gives its sockets 200 ms to open, and B as long to join. On a busy machine that is too short, so its clock runs slower. */
const slowerClock = '{ const own = setTimeout; globalThis.setTimeout = (callback, ms) => own(callback, ms * 5) }\n'

t.test('the two clients of the rooms README meet in a room and B reaches A', async (t) => {
  const url = urlOf(await build(t)).replace('http', 'ws')
  const source = await clientFor(url, { script: 'test-two-clients.cjs', theirs: 'ws://localhost:8080' })
  const child = spawn(process.execPath, ['--input-type=commonjs', '-'], { stdio: ['pipe', 'pipe', 'inherit'], timeout: patienceMs })
  t.teardown(async () => {
    if (child.kill()) await once(child, 'close')
  })
  child.stdin.end(slowerClock + source)

  const lines: string[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (line.startsWith('A recv: {"type":"signal"')) break
  }

  t.same(lines.splice(0, 2).sort(), ['A open', 'B open'])
  const [created, printed, joined, signal, ...rest] = lines
  const { roomId } = frameIn(created, 'A')
  const { myId: idOfB } = frameIn(joined, 'B')
  t.match(frameIn(created, 'A'), { type: 'room_created', roomId: /^\d{4}$/, myId: String })
  t.equal(printed, `Room created: ${roomId}`)
  t.match(frameIn(joined, 'B'), { type: 'room_joined', roomId, myId: String })
  t.same(frameIn(signal, 'A'), { type: 'signal', senderId: idOfB, payload: JSON.stringify({ type: 'dummy', text: 'hello from B' }) })
  t.same(rest, [])
})

/** The frame in a line such as `A recv: {…}`. */
function frameIn (line: string | undefined, name: string): Record<string, unknown> {
  const start = `${name} recv: `
  if (line?.startsWith(start) !== true) throw new Error(`not what ${name} received: ${line}`)
  return JSON.parse(line.slice(start.length)) as Record<string, unknown>
}
