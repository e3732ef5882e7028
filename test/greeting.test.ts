import t from 'tap'
import { greeting } from '../src/greeting.js'

const info = {
  version: '1.2.3',
  dialects: [
    { name: 'one', title: 'One', summary: '', url: '/one' },
    { name: 'two', title: 'The second', summary: '', url: '/two?id=a', client: "new Two('{hostname}', {port}, '{path}/two', {secure})" }
  ],
  auth: false,
  bridge: [],
  heartbeatMs: 30_000,
  stun: false,
  turn: false
}
const common = { host: 'signal.example', port: 8080, secure: false, hasPages: true, info, startedWithinMs: 449 }

t.test('a greeting names the server’s address, its pages and the clients', async (t) => {
  t.equal(greeting(common), `
  Signalbox 1.2.3 is ready after 0.4 s.

  Local    http://signal.example:8080
  Demo     http://signal.example:8080/demo
  Test     http://signal.example:8080/test
  Console  http://signal.example:8080/console
  API      http://signal.example:8080/docs

  One         new WebSocket('ws://signal.example:8080/one')
  The second  new Two('signal.example', 8080, '/two', false)

  It is open to everybody who can reach it. JWT_SECRET lets in only those with a token.

`)
})

t.test('all addresses of the machine are one at localhost, and those of its networks', async (t) => {
  for (const host of ['0.0.0.0', '::']) {
    const lines = greeting({ ...common, host, secure: true }).split('\n')
    t.ok(lines.includes('  Local    https://localhost:8080'))
    t.notMatch(lines, [/127\.0\.0\.1/])
  }
})

t.test('an IPv6 address has brackets, and a Unix socket no clients', async (t) => {
  t.match(greeting({ ...common, host: '::1' }), /Local {4}http:\/\/\[::1\]:8080\n/)
  const atPath = greeting({ ...common, host: 'unix:/run/signalbox.sock' })
  t.match(atPath, /It listens at \/run\/signalbox\.sock\./)
  t.notMatch(atPath, /http:|new /)
})

t.test('without pages none is named', async (t) => {
  t.notMatch(greeting({ ...common, hasPages: false }), /docs/)
})
