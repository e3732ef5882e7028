import t, { type Test } from 'tap'
import { type Connection, type Dialect, type FrameSchemas, Type } from '../../src/index.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { connect, type Env } from '../helper.js'
import { buildSpeaking, errors, open } from './speaking.js'

const asObject = (frame: unknown) => Object(frame) as Record<string, unknown>
const textOf = (value: unknown) => typeof value === 'string' ? value : undefined
const say = (connection: Connection, said: unknown) => connection.deliver(JSON.stringify({ said }))

async function connected<Frames extends FrameSchemas> (t: Test, dialect: Dialect<Frames, Connection>, env: Env = {}, options = {}) {
  const app = await buildSpeaking(t, { dialect, env })
  return { app, client: await connect(t, app, `/${dialect.name}`, options) }
}

const announceFrames = { announce: Type.Object({ action: Type.Literal('announce'), hash: Type.String() }) }

const tracker: Dialect<typeof announceFrames, Connection> = {
  name: 'tracker',
  frames: announceFrames,
  typeOf: (frame) => textOf(asObject(frame).action),
  handlers: { announce: (connection, { hash }) => say(connection, hash) },
  errors,
  open
}

t.test('a dialect finds the type of its frames in `action`', async (t) => {
  const { app, client } = await connected(t, tracker)
  for (const [frame, answer] of [
    [{ action: 'announce', hash: 'h' }, { said: 'h' }],
    [{ action: 'announce' }, { error: 'malformed announce' }],
    [{ action: 'scrape' }, { error: 'unknown type scrape' }],
    [{ type: 'announce', hash: 'h' }, { error: 'unknown type undefined' }],
    ['[]', { error: 'unknown type undefined' }],
    ['null', { error: 'unknown type undefined' }],
    ['{', { error: 'not JSON' }]
  ]) {
    client.send(frame)
    t.same(await client.next(), answer)
  }
  t.equal(app.signalbox.dialects.get('tracker')?.frames.get('announce')?.received, 1)
})

const join = 0
const offer = 4

const godotFrames = {
  [join]: Type.Object({ type: Type.Literal(join), data: Type.String() }),
  [offer]: Type.Object({ type: Type.Literal(offer), id: Type.Integer() })
}

const godot: Dialect<typeof godotFrames, Connection> = {
  name: 'godot',
  frames: godotFrames,
  typeOf: (frame) => String(asObject(frame).type),
  handlers: {
    [join]: (connection, { data }) => say(connection, data),
    [offer]: (connection, { id }) => say(connection, id)
  },
  errors,
  open
}

t.test('a dialect finds integers in `type`', async (t) => {
  const { client } = await connected(t, godot)
  for (const [frame, answer] of [
    [{ type: 0, data: 'lobby' }, { said: 'lobby' }],
    [{ type: 4, id: 7 }, { said: 7 }],
    [{ type: 4 }, { error: 'malformed 4' }],
    [{ type: 9 }, { error: 'unknown type 9' }]
  ]) {
    client.send(frame)
    t.same(await client.next(), answer)
  }
})

const matchboxFrames = {
  KeepAlive: Type.Literal('KeepAlive'),
  Signal: Type.Object({ Signal: Type.Object({ receiver: Type.String(), data: Type.Unknown() }) })
}

const matchbox: Dialect<typeof matchboxFrames, Connection> = {
  name: 'matchbox',
  frames: matchboxFrames,
  typeOf: (frame) => textOf(frame) ?? Object.keys(asObject(frame))[0],
  handlers: {
    KeepAlive: (connection, frame) => say(connection, frame),
    Signal: (connection, { Signal: { receiver } }, { memberCount }) => say(connection, [receiver, memberCount])
  },
  errors,
  open
}

t.test('frames are bare text, and objects that are tagged from outside', async (t) => {
  const { client } = await connected(t, matchbox)
  for (const [frame, answer] of [
    ['"KeepAlive"', { said: 'KeepAlive' }],
    [{ Signal: { receiver: 'bob', data: [1, 2] } }, { said: ['bob', 1] }],
    ['{"Signal":{"receiver":"bob","data":0},"Signal":{"receiver":"eve","data":0}}', { said: ['eve', 2] }],
    ['"Signal"', { error: 'malformed Signal' }],
    ['"Nonsense"', { error: 'unknown type Nonsense' }],
    ['KeepAlive', { error: 'not JSON' }]
  ]) {
    client.send(frame)
    t.same(await client.next(), answer)
  }
})

const nostrFrames = {
  CLOSE: Type.Tuple([Type.Literal('CLOSE'), Type.String()]),
  REQ: Type.Array(Type.Unknown(), { minItems: 2 })
}

const nostr: Dialect<typeof nostrFrames, Connection> = {
  name: 'nostr',
  frames: nostrFrames,
  typeOf: (frame) => Array.isArray(frame) ? textOf(frame[0]) : undefined,
  handlers: {
    CLOSE: (connection, [, subscription]) => say(connection, subscription),
    REQ: (connection, { length }, { memberCount }) => say(connection, [length, memberCount])
  },
  errors,
  open
}

t.test('frames are arrays, within the same bounds of depth and size', async (t) => {
  const { client } = await connected(t, nostr)
  const nested = (depth: number) => `["REQ",${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}]`
  for (const [frame, answer] of [
    [['CLOSE', 'a'], { said: 'a' }],
    [['REQ', 'a', { kinds: [1, 2] }], { said: [3, 3] }],
    [['CLOSE'], { error: 'malformed CLOSE' }],
    [[], { error: 'unknown type undefined' }],
    [nested(64), { said: [2, 2] }],
    [nested(65), { error: 'not JSON' }],
    [['REQ', ...Array<number>(4096).fill(0)], { said: [4097, 4097] }],
    [['REQ', ...Array<number>(4097).fill(0)], { error: 'not JSON' }]
  ]) {
    client.send(frame)
    t.same(await client.next(), answer)
  }
})

t.test('without typeOf only objects with text in `type` are frames', async (t) => {
  const { handlers } = matchbox
  const plain: Dialect<typeof matchboxFrames, Connection> = { name: 'plain', frames: matchboxFrames, handlers, errors, open }
  const { client } = await connected(t, plain)
  for (const [frame, answer] of [
    ['"KeepAlive"', { error: 'not JSON' }],
    ['["KeepAlive"]', { error: 'not JSON' }],
    ['null', { error: 'not JSON' }],
    [{ type: 4 }, { error: 'unknown type 4' }],
    [{ Signal: {} }, { error: 'unknown type undefined' }]
  ]) {
    client.send(frame)
    t.same(await client.next(), answer)
  }
})

t.test('a typeOf that throws is an internal error of that frame alone', async (t) => {
  const careless: Dialect<typeof announceFrames, Connection> = {
    ...tracker,
    name: 'careless',
    typeOf: (frame) => (frame as { action: string }).action.trim()
  }
  const { client } = await connected(t, careless)
  for (const frame of ['null', { action: 1 }]) {
    client.send(frame)
    t.same(await client.next(), { error: 'internal error' })
  }
  client.send({ action: 'announce', hash: 'h' })
  t.same(await client.next(), { said: 'h' })
})

t.test('a client of such a dialect renews its token with an object', async (t) => {
  const token = tokenFor({ sub: 'alice' })
  const { client } = await connected(t, matchbox, withSecret, { headers: { authorization: `Bearer ${token}` } })
  client.send({ type: 'auth', token })
  t.same(await client.next(), { type: 'auth', ok: true })
  client.send('"KeepAlive"')
  t.same(await client.next(), { said: 'KeepAlive' })
})
