import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { io } from 'socket.io-client'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { Client, connect, until } from '../helper.js'

const root = new URL('../../', import.meta.url)

/** A browser's page as Vite serves it: the socket that tells it of changed files. */
async function connectToVite (t: Test, url: string): Promise<Client> {
  const client = new Client(new WebSocket(url.replace('http', 'ws'), 'vite-hmr'))
  t.teardown(() => client.socket.terminate())
  t.same(await client.next(), { type: 'connected' })
  return client
}

/** Asks a socket.io server that answers `hello`, by these transports. */
async function greet (t: Test, url: string, transports: string[]): Promise<string> {
  const socket = io(url, { transports, reconnection: false })
  t.teardown(() => socket.disconnect())
  return await socket.timeout(5_000).emitWithAck('hello', 'alice') as string
}

/** Two PeerJS clients at a prefix: one calls the other. */
async function call (t: Test, url: string, prefix: string): Promise<Client[]> {
  const pair = await Promise.all(['alice', 'bob'].map(async (id) =>
    await connect(t, url, `${prefix}/peerjs?key=peerjs&id=${id}&token=${id}`)))
  const [alice, bob] = pair as [Client, Client]
  for (const peer of pair) t.same(await peer.next(), { type: 'OPEN' })
  alice.send({ type: 'OFFER', dst: 'bob', payload: 'sdp' })
  t.same(await bob.next(), { type: 'OFFER', src: 'alice', dst: 'bob', payload: 'sdp' })
  return pair
}

/** Runs a program that writes where it listens. */
async function runProgram (t: Test, file: string, cwd: string): Promise<{ url: string, child: ChildProcess }> {
  const child = spawn(process.execPath, [file], { cwd, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  // Vite writes there, too.
  let said = ''
  child.stdout.on('data', (text) => { said += String(text) })
  while (!/^http:\S+$/m.test(said)) await Promise.race([once(child.stdout, 'data'), ended.then(() => { throw new Error('it ended') })])
  const [url = ''] = /^http:\S+$/m.exec(said) ?? []
  return { url, child }
}

t.test('Express, socket.io, Vite and Signalbox work at once on the server of examples/express.js', async (t) => {
  const folder = t.testdir({ 'index.html': '<script type="module" src="/main.js"></script>', 'main.js': 'console.log(1)\n' })
  const { url, child } = await runProgram(t, fileURLToPath(new URL('examples/express.js', root)), folder)
  const page = await connectToVite(t, url)
  const [alice, bob] = await call(t, url, '/signal') as [Client, Client]
  t.equal(await greet(t, url, ['websocket']), 'hello alice from socket.io')
  t.equal(await greet(t, url, ['polling', 'websocket']), 'hello alice from socket.io')
  t.equal(await (await fetch(`${url}/hello`)).text(), 'hello from Express')
  t.match(await (await fetch(url, { headers: { accept: 'text/html' } })).text(), '/@vite/client')
  t.match(await (await fetch(`${url}/main.js`)).text(), 'console.log(1)')
  t.equal((await fetch(`${url}/signal/ready`)).status, 200)
  t.notOk((await fetch(`${url}/signal/nowhere`)).headers.has('x-powered-by'), 'what is below the prefix is Signalbox’s, its 404 too')

  writeFileSync(`${folder}/main.js`, 'console.log(2)\n')
  t.match(await page.nextOf('full-reload'), { type: 'full-reload' })
  bob.send({ type: 'ANSWER', dst: 'alice', payload: 'sdp' })
  t.same(await alice.next(), { type: 'ANSWER', src: 'bob', dst: 'alice', payload: 'sdp' })

  child.kill('SIGTERM')
  t.equal((await alice.closed).code, 1001)
  t.same(await once(child, 'close'), [0, null], 'it ends by itself, with sockets of all three open')
})

/** The block of a page's JavaScript that has this text in it, as a program on a free port that writes where it listens. */
function programOf (t: Test, page: string, text: string): string {
  const blocks = [...readFileSync(new URL(page, root), 'utf8').matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code = '']) => code)
  const code = blocks.find((code) => code.includes(text)) ?? 'throw new Error("no such block")'
  const free = code.replace(/(?<=port: |PORT: ')\d{4}/, '0')
  const says = code.includes('console.log(await') ? '' : '\nconsole.log("http://localhost:" + app.server.address().port)\n'
  return `${t.testdir({ 'app.mjs': free + says })}/app.mjs`
}

/** Until a program has written this. */
async function hear ({ stdout }: ChildProcess, text: string): Promise<void> {
  let said = ''
  stdout?.on('data', (part) => { said += String(part) })
  while (!said.includes(text)) await once(stdout as Readable, 'data')
}

t.test('an Express app takes Signalbox in where it had ExpressPeerServer, as docs/migrate/peerjs.md shows', async (t) => {
  const { url, child } = await runProgram(t, programOf(t, 'docs/migrate/peerjs.md', 'web.use(\'/signal\''), '.')
  t.equal(await (await fetch(url)).text(), 'my own page')
  t.match(await (await fetch(`${url}/signal`)).json(), { name: 'PeerJS Server' })
  t.match(await (await fetch(`${url}/signal/peerjs/id`)).text(), /^[\da-f-]{36}$/)
  t.same(await (await fetch(`${url}/signal/peerjs/peers`)).json(), [])
  t.equal((await fetch(`${url}/signalboxes`)).status, 404)
  const heard = hear(child, 'alice left')
  const [alice] = await call(t, url, '/signal') as [Client, Client]
  await alice.close()
  await heard
  child.kill('SIGTERM')
  t.same(await once(child, 'close'), [0, null])
})

t.test('PeerServer’s options and events have their equals, as the page shows', async (t) => {
  const { url, child } = await runProgram(t, programOf(t, 'docs/migrate/peerjs.md', 'createService(config'), '.')
  t.match(await (await fetch(`${url}/myapp/mine/id`)).text(), /^[\da-f]{16}$/)
  t.same(await (await fetch(`${url}/myapp/mine/peers`)).json(), [])
  t.equal((await fetch(`${url}/myapp/peerjs/id`)).status, 401)
  const heard = hear(child, 'alice has left')
  const alice = await connect(t, url, '/myapp/peerjs?key=mine&id=alice&token=1')
  t.same(await alice.next(), { type: 'OPEN' })
  await alice.close()
  await heard
  child.kill('SIGTERM')
  t.same(await once(child, 'close'), [0, null])
})

t.test('docs/embedding.md: who is online, ids of one’s own, and the example as it is', async (t) => {
  const page = readFileSync(new URL('docs/embedding.md', root), 'utf8')
  const [, quoted = ''] = /^```js\n(const app = fastify\(\{\n {2}serverFactory[^]*?)^```$/m.exec(page) ?? []
  t.ok(quoted !== '' && readFileSync(new URL('examples/express.js', root), 'utf8').includes(quoted))

  const online = await runProgram(t, programOf(t, 'docs/embedding.md', '/online'), '.')
  const [alice] = await call(t, online.url, '') as [Client, Client]
  t.same(await (await fetch(`${online.url}/online`)).json(), ['peerjs alice', 'peerjs bob'])
  await alice.close()
  await until(async () => await (await fetch(`${online.url}/online`)).text() === '["peerjs bob"]')

  const ids = await runProgram(t, programOf(t, 'docs/embedding.md', 'generateId'), '.')
  t.match(await (await fetch(`${ids.url}/tom/id`)).text(), /^[\w-]{16}$/)
})
