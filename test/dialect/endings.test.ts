import t, { type Test } from 'tap'
import { type Connection, type Dialect, type ErrorKind, Type } from '../../src/index.js'
import { connect, type Env, until } from '../helper.js'
import { buildSpeaking, errors, open } from './speaking.js'

const bare = <Name extends string>(type: Name) => Type.Object({ type: Type.Literal(type), value: Type.Optional(Type.String()) })

const frames = {
  fine: bare('fine'), refuse: bare('refuse'), deny: bare('deny'), fail: bare('fail'), reject: bare('reject'), end: bare('end')
}

const say = (connection: Connection, said: string) => connection.deliver(JSON.stringify({ said }))

const strict = (closes?: (kind: ErrorKind) => number | undefined): Dialect<typeof frames, Connection> => ({
  name: 'strict',
  frames,
  handlers: {
    fine: (connection) => say(connection, 'fine'),
    refuse: (connection) => connection.refuse('no'),
    deny: (connection) => connection.deny(),
    fail () { throw new Error('thrown') },
    async reject () { throw new Error('rejected') },
    end (connection) {
      connection.end(JSON.stringify({ said: 'bye' }), 1008, 'Over')
      connection.end(JSON.stringify({ said: 'never' }), 1000)
    }
  },
  errors: { ...errors, ...(closes && { closes }) },
  open
})

const connected = async (t: Test, closes?: (kind: ErrorKind) => number | undefined, env: Env = {}) => {
  const app = await buildSpeaking(t, { dialect: strict(closes), env })
  return { app, client: await connect(t, app, '/strict') }
}

const mistakes = [
  ['notJson', '{', 'not JSON'],
  ['unknownType', { type: 'other' }, 'unknown type other'],
  ['malformed', { type: 'fine', value: 1 }, 'malformed fine'],
  ['refused', { type: 'refuse' }, 'no'],
  ['refused', { type: 'deny' }, 'not allowed'],
  ['internal', { type: 'fail' }, 'internal error'],
  ['internal', { type: 'reject' }, 'internal error']
] as const

t.test('by default no error ends a connection', async (t) => {
  const { client } = await connected(t)
  for (const [, frame, error] of mistakes) {
    client.send(frame)
    t.same(await client.next(), { error })
  }
  client.send({ type: 'fine' })
  t.same(await client.next(), { said: 'fine' })
})

for (const [kind, frame, error] of mistakes) {
  t.test(`a dialect may end a connection after an error of the kind ${kind}: ${error}`, async (t) => {
    const { app, client } = await connected(t, (asked) => asked === kind ? 4000 : undefined)
    for (const [otherKind, other, told] of mistakes) {
      if (otherKind === kind) continue
      client.send(other)
      t.same(await client.next(), { error: told })
    }
    client.send(frame)
    client.send({ type: 'fine' })
    t.same(await client.next(), { error })
    t.same(await client.closed, { code: 4000, reason: '' })
    t.same(client.taken(), [], 'nothing is handled after it')
    await until(() => app.signalbox.connections.size === 0)
    t.equal(app.signalbox.connections.counters.closed.get('4000'), 1)
  })
}

t.test('a dialect whose errors close with a code that nobody may use does not start', async (t) => {
  await t.rejects(connected(t, () => 1006), { name: 'RangeError', message: /closed with 1006/ })
})

t.test('last words come before the end, and the audit trail says that the dialect ended it', async (t) => {
  const { app, client } = await connected(t)
  const records: unknown[] = []
  const { audit } = app.signalbox
  audit.info = (record) => { records.push(record) }
  client.send({ type: 'end' })
  t.same(await client.next(), { said: 'bye' })
  t.same(await client.closed, { code: 1008, reason: 'Over' })
  t.same(client.taken(), [])
  t.match(records, [{ event: 'ended', dialect: 'strict', code: 1008, reason: 'Over' }])
  t.equal(records.length, 1)
})
