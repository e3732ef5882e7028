import t from 'tap'
import { type Connection, type Dialect, Type } from '../../src/index.js'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import type { State } from '../../src/state/contract.js'
import { connect } from '../helper.js'

const frames = { join: Type.Object({ type: Type.Literal('join'), room: Type.String() }) }

/** A dialect that joins whatever room its client names, and tells the outcome. */
const throwerOf = ({ peers }: State): Dialect<typeof frames, Connection> => ({
  name: 'thrower',
  frames,
  handlers: {
    async join (connection, { room }) {
      try {
        const { outcome } = await peers.join({ room, id: 'a', sink: connection, replace: true })
        connection.deliver(JSON.stringify({ outcome }))
      } catch (error) {
        connection.deliver(JSON.stringify({ isTypeError: error instanceof TypeError, message: (error as Error).message }))
      }
    }
  },
  errors: {
    frame: (message) => JSON.stringify({ type: 'error', message }),
    notJson: 'not JSON',
    unknownType: () => 'unknown type',
    malformed: () => 'malformed',
    internal: 'internal error'
  },
  open: (connection) => connection
})

t.test('a connection joins the rooms of its own dialect, and no others', async (t) => {
  const app = createService(readConfig({ LOG_LEVEL: 'silent' }, []))
  t.teardown(async () => await app.close())
  app.register(async (app) => { app.route({ url: '/thrower', ...app.speak(throwerOf(app.state)) }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await connect(t, app, '/thrower')
  for (const room of ['thrower', 'thrower/', 'thrower/x', 'thrower/other/x']) {
    client.send({ type: 'join', room })
    t.same(await client.next(), { outcome: 'joined' }, room)
  }
  for (const room of ['', 'other/x', 'thrower2', 'throwe', 'throwe/r', 'Thrower', 'x/thrower']) {
    client.send({ type: 'join', room })
    const { isTypeError, message } = await client.next()
    t.equal(isTypeError, true, room)
    t.equal(message, `The room ${room} is not one of the dialect thrower: its rooms are thrower and thrower/…`)
    t.same(await app.state.peers.list(room), [])
  }
})
