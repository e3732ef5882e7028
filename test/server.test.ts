import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { settingNames, flagOf } from '../src/config/schema.js'
import { connect, refusal, until, urlOf } from './helper.js'
import { run, start } from './process.js'

t.test('the built server starts with all dialects and answers on /health', async (t) => {
  const { port } = await start(t)
  const response = await fetch(`${urlOf(port)}/health`)
  t.equal(response.status, 200)
  t.match(await response.json(), { status: 'ok' })
  for (const path of ['/', '/peerjs?key=peerjs&id=a&token=b', '/rooms', '/psync/ws', '/ws', '/drone', '/tom']) await connect(t, port, path)
})

t.test('--help prints every setting and starts nothing', async (t) => {
  for (const argv of [['--help'], ['--port', 'bad', '--help']]) {
    const { output, exited } = run(t, {}, argv)
    t.equal(await exited, 0)
    for (const name of settingNames) {
      t.ok(output.stdout.includes(`${flagOf(name)} `) && output.stdout.includes(`environment ${name}\n`), name)
    }
    t.equal(output.stderr, '')
  }
})

t.test('a bad setting ends the process with one line that tells which', async (t) => {
  for (const [env, argv, line] of [
    [{ PORT: 'http' }, [], 'signalbox: PORT: invalid value "http", expected an integer from 0 to 65535\n'],
    [{}, ['--max-payload', '1'], 'signalbox: MAX_PAYLOAD: invalid value "1", expected an integer from 1024 to 2147483647\n'],
    [{ TLS_CERT: 'hunter2' }, [], /^signalbox: TLS_CERT: [^\n]+\n$/],
    [{ JWT_PUBLIC_KEY: '/no/such/file.pem' }, [], /^signalbox: JWT_PUBLIC_KEY: [^\n]+\n$/],
    [{}, ['--nope'], /^signalbox: [^\n]*--nope[^\n]*\n$/]
  ] as const) {
    const { output, exited } = run(t, env, [...argv])
    t.not(await exited, 0)
    t.match(output.stderr, line)
    t.equal(output.stderr.split('\n').length, 2, 'one line')
    t.equal(output.stdout, '')
  }
})

t.test('a port in use ends the process with one line that tells which', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  for (const [env, setting] of [
    [{ PORT: String(port) }, `PORT: ${port}`],
    [{ PORT: '0', NATIVE_PORTS: `tom:${port}` }, `NATIVE_PORTS: tom:${port}`]
  ] as const) {
    const { output, exited } = run(t, { HOST: '127.0.0.1', ...env })
    t.not(await exited, 0)
    t.equal(output.stderr, `signalbox: ${setting} is in use by another process\n`)
  }
})

t.test('a plugin that cannot be loaded ends the process with one line that names it', async (t) => {
  const { output, exited } = run(t, { PORT: '0', PLUGINS: './no-such-plugin.js' })
  t.not(await exited, 0)
  t.match(output.stderr, /^signalbox: PLUGINS: [^\n]*no-such-plugin\.js[^\n]*\n$/)
})

t.test('no query string is logged, at the lowest level', async (t) => {
  const secret = 'hunter2hunter2'
  const { port, child, output, exited } = await start(t, {
    LOG_LEVEL: 'trace',
    ALLOWED_ORIGINS: 'https://a.test',
    MAX_PAYLOAD: '1024',
    CONNECT_RATE: '20'
  })
  const get = async (path: string, init: RequestInit = {}) => await (await fetch(`${urlOf(port)}${path}?token=${secret}`, init)).text()
  for (const path of [
    '/', '/health', '/ready', '/nope', '/tom', '/tom/health', '/tom/peers', '/peerjs/id', '/wrong/peers', '/%zz',
    '/openapi.json'
  ]) await get(path)
  await get('/tom/id', { headers: { origin: 'https://evil.test' } })
  await get('/tom/id', { method: 'POST', body: 'x' })
  await get('/tom/id', { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(4096) })
  await refusal(t, port, `/nope?token=${secret}`)
  await refusal(t, port, `/tom?token=${secret}`, { origin: 'https://evil.test' })
  await refusal(t, port, `/health?token=${secret}`)
  for (const path of ['/', '/tom', '/rooms', '/psync/ws', '/ws', '/drone']) {
    const client = await connect(t, port, `${path}?token=${secret}&access_token=${secret}`)
    client.send('not JSON')
    await client.next()
    client.send('x'.repeat(4096))
    await client.closed
  }
  const peer = await connect(t, port, `/peerjs?key=peerjs&id=a&token=${secret}`)
  await peer.next()
  const rival = await connect(t, port, `/peerjs?key=peerjs&id=a&token=other${secret}`)
  await rival.closed
  // Requests that are none.
  for (const text of [
    `GET /tom?token=${secret} HTTP/1.1\r\nbroken header\r\n\r\n`,
    `GET /tom?token=${secret} HTTP/9.9\r\n\r\n`,
    `GET /?token=${secret} HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`
  ]) {
    const socket = connectTcp(port, '127.0.0.1').on('error', () => {}).resume()
    socket.end(text)
    // Not `once`, for which a reset is an error: what the server does not read it may answer with one.
    await new Promise((resolve) => socket.on('close', resolve))
  }
  while ((await fetch(`${urlOf(port)}/tom/id?token=${secret}`)).status !== 429);
  child.kill('SIGTERM')
  peer.socket.terminate()
  await exited
  const log = output.stdout + output.stderr
  t.ok(log.includes('"path":"/tom/peers"'), 'the requests are logged')
  t.notOk(log.includes(secret), `${log.split('\n').find((line) => line.includes(secret)) ?? ''}`)
  t.notOk(log.includes([...Buffer.from(secret)].join(',')), 'nor as bytes')
})

t.test('the process goes on when clients reset their connections at any moment', async (t) => {
  const { port, child, output } = await start(t, { NATIVE_PORTS: 'psync:0', CONNECT_RATE: '100000' })
  const nativePort = Number(/psync alone at 127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1])
  const upgrade = (path: string) =>
    `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
    'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  for (const to of [port, nativePort]) {
    for (const text of [upgrade('/'), upgrade('/ws'), upgrade('/nope'), upgrade('/health'), 'GET /health HTTP/1.1\r\n', '']) {
      for (let round = 0; round < 10; round++) {
        const socket = connectTcp(to, '127.0.0.1').on('error', () => {})
        await once(socket, 'connect')
        await new Promise((resolve) => socket.write(text, resolve))
        socket.resetAndDestroy()
      }
    }
  }
  await until(async () => (await fetch(`${urlOf(port)}/health`)).status === 200)
  t.equal(child.exitCode, null)
})
