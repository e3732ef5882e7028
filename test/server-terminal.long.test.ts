import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { until } from './helper.js'
import { start } from './process.js'

const server = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))

/** What the server writes to a terminal, until this has come. */
async function onTerminal (t: Test, env: Record<string, string>, last: string): Promise<string> {
  const { PATH = '' } = process.env
  const child = spawn('script', ['-qefc', `${process.execPath} ${server}`, '/dev/null'], {
    env: { PATH, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill())
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  await until(() => output.includes(last))
  return output.replaceAll('\r', '')
}

t.test('a terminal is told where the server is, and what connects a client of each dialect', async (t) => {
  const output = await onTerminal(t, { DIALECTS: 'peerjs,tom' }, 'open to everybody who')
  const [, port] = /Local {4}http:\/\/127\.0\.0\.1:(\d+)\n/.exec(output) ?? []
  t.ok(Number(port) > 0)
  t.match(output, /Signalbox \d+\.\d+\.\d+ is ready after \d+\.\d s\./)
  t.ok(output.includes(`PeerJS  new Peer('alice', { host: '127.0.0.1', port: ${port}, path: '/', secure: false })\n`))
  t.ok(output.includes(`ToM     new WebSocket('ws://127.0.0.1:${port}/tom')\n`))
  t.match(output, /\[\d\d:\d\d:\d\d\].*Server listening at .*\n(.*\n)*.*is ready/, 'the log is for people, and comes first')
})

t.test('with a key it does not say that it is open', async (t) => {
  const output = await onTerminal(t, { JWT_SECRET: 's'.repeat(32), LOG_FORMAT: 'json' }, 'need a token')
  t.notMatch(output, /open to everybody/)
  t.match(output, /^\{"level":30,.*Server listening/m, 'LOG_FORMAT=json is JSON on a terminal, too')
})

t.test('elsewhere the log is JSON and nothing else, unless LOG_FORMAT=pretty', async (t) => {
  const { output } = await start(t)
  for (const line of output.stdout.trim().split('\n')) t.type(JSON.parse(line), 'object')
  const pretty = await start(t, { LOG_FORMAT: 'pretty' })
  t.match(pretty.output.stdout, /^\[\d\d:\d\d:\d\d\] INFO: Server listening/m)
  t.notMatch(pretty.output.stdout, /is ready/)
})
