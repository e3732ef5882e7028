import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'

const consumer = `
import fastify from 'fastify'
import { type Connection, signalbox, Type } from 'signalbox'

interface Peer { connection: Connection }

const app = fastify()
await app.register(signalbox, { config: { DIALECTS: ['tom'] } })
app.route({
  url: '/x',
  ...app.speak({
    name: 'x',
    frames: { hello: Type.Object({ type: Type.Literal('hello'), text: Type.String() }) },
    handlers: { hello: ({ connection }: Peer, { text }) => { connection.deliver(text.trim()) } },
    errors: { frame: (sentence) => sentence, notJson: '', unknownType: () => '', malformed: () => '', internal: '' },
    open: (connection) => ({ connection }),
    close () {}
  })
})
export const whoIs = ({ may: { subject, claims } }: Connection): string | undefined => claims?.sub ?? subject
export const isOpen: boolean = app.signalbox.auth.isOpen
export const size: number = app.state.size().peers
export const port: number = app.signalbox.config.PORT
const settings = Type.Object({ X_MAX_PEERS: Type.Integer({ default: 2, description: 'Peers' }) })
export const maxPeers: number = app.signalbox.settingsOf(settings).X_MAX_PEERS
`

const author = `
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { connect, serve, type Subject, surviveContract } from 'signalbox/testing'
import t from 'tap'

const subject: Subject = {
  name: 'x',
  plugin: async (app: FastifyInstance) => { app.get('/', async () => 'x') },
  path: () => '/',
  registration: (id) => [{ type: 'hello', id }],
  welcome: ({ type }) => type === 'welcome' ? {} : undefined,
  signal: (from, to, load) => ({ type: 'signal', from, to, load }),
  received: ({ type, load }) => type === 'signal' ? { sender: undefined, load } : undefined,
  errors: { notJson: { type: 'error' }, unknown: (type) => ({ type: 'error', message: type }) }
}

await surviveContract(test, subject)
await surviveContract(t, subject)
test('within a test', async (t) => {
  await surviveContract(t, subject)
  const client = await connect(t, await serve(t, { DIALECTS: 'tom' }), '/tom')
  client.send({ type: 'heartbeat' })
})
t.test('the same in tap', async (t) => { await connect(t, await serve(t), '/tom') })
`

/** The TypeScript of docs/dialects.md, word for word. */
const [, documented = ''] = /^```ts\n([^]*?)^```$/m.exec(readFileSync(new URL('../docs/dialects.md', import.meta.url), 'utf8')) ?? []

/** What a strict compiler says of a user's file. */
function problemsOf (t: Test, source: string): string[] {
  // Inside the package, where its name resolves to what is built.
  const file = join(t.testdir({ 'consumer.ts': source }), 'consumer.ts')
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node']
  })
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

t.test('a strict TypeScript app that imports signalbox knows its decorators', async (t) => {
  t.same(problemsOf(t, consumer), [])
})

t.test('the TypeScript of docs/dialects.md compiles under strict', async (t) => {
  t.match(documented, /autoPrefix/)
  t.same(problemsOf(t, documented), [])
})

t.test('tests of a dialect in strict TypeScript run with node:test and with tap', async (t) => {
  t.same(problemsOf(t, author), [])
})
