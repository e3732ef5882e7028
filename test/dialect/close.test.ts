import t, { type Test } from 'tap'
import { closeCodes, type Connection, type Dialect, Type } from '../../src/index.js'
import { connect, until } from '../helper.js'
import { buildSpeaking, errors, open } from './speaking.js'

const frames = { close: Type.Object({ type: Type.Literal('close'), code: Type.Number(), reason: Type.Optional(Type.String()) }) }

const closing: Dialect<typeof frames, Connection> = {
  name: 'closing',
  frames,
  handlers: { close: (connection, { code, reason }) => connection.close(code, reason) },
  errors,
  open
}

const connected = async (t: Test) => {
  const app = await buildSpeaking(t, { dialect: closing })
  return { app, client: await connect(t, app, '/closing') }
}

for (const [code, reason] of [
  [closeCodes.normal, 'Normal closure'],
  [closeCodes.policy, 'Policy violation'],
  [3000, ''],
  [4999, '']
] as const) {
  t.test(`a dialect ends a connection with ${code}`, async (t) => {
    const { app, client } = await connected(t)
    client.send({ type: 'close', code })
    t.same(await client.closed, { code, reason })
    await until(() => app.signalbox.connections.size === 0)
    t.equal(app.signalbox.connections.counters.closed.get(String(code)), 1)
  })
}

t.test('a code or a reason that the protocol does not allow is an internal error, and the connection stays', async (t) => {
  const { app, client } = await connected(t)
  for (const code of [0, 999, 1005, 1006, 1015, 2999, 5000, 3000.5]) {
    client.send({ type: 'close', code })
    t.same(await client.next(), { error: 'internal error' }, String(code))
  }
  client.send({ type: 'close', code: 4500, reason: 'ü'.repeat(62) })
  t.same(await client.next(), { error: 'internal error' }, 'a reason of 124 bytes')
  t.same([...app.signalbox.connections.counters.closed], [])
  client.send({ type: 'close', code: 4500, reason: 'x'.repeat(123) })
  t.same(await client.closed, { code: 4500, reason: 'x'.repeat(123) })
})
