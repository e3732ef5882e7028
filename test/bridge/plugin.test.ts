import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { andThen, type Connection, Frame, type Handlers, IdSchema, type JsonObject, type Member, Type } from '../../src/kit.js'
import { serve } from '../../src/testing/serve.js'
import { connect } from '../helper.js'
import { answered, peerOf, pictures } from './ends.js'

interface Client {
  readonly connection: Connection
  member?: Member
}

const frames = {
  hello: Type.Object({ type: Type.Literal('hello'), name: IdSchema }),
  say: Type.Object({ type: Type.Literal('say'), to: IdSchema, what: Type.String(), sdp: Type.String() })
}

const encode = (frame: { type: string }) => new Frame(frame.type, JSON.stringify(frame))
const said = (what: JsonObject) => encode({ type: 'said', ...what })

/** A dialect of somebody else's, which has no more than the kit. */
async function phone (app: FastifyInstance): Promise<void> {
  const { peers } = app.state
  const entrance = app.signalbox.bridge?.of('phone')
  const handlers: Handlers<typeof frames, Client> = {
    hello: (client, { name: id }) => andThen(peers.join({ room: 'phone', id, sink: client.connection, replace: false }), ({ member }) => {
      if (member === undefined) return client.connection.refuse('no')
      client.member = member
      client.connection.deliver(encode({ type: 'welcome' }))
    }),
    say: ({ connection, member }, frame) => member && entrance?.send(connection, member, frame.to, frame)
  }
  const route = app.speak({
    name: 'phone',
    frames,
    errors: { frame: (text) => text, notJson: '', unknownType: () => '', malformed: () => '', internal: '' },
    handlers,
    open: (connection): Client => ({ connection }),
    bridging: {
      kinds: ['media'],
      keepsEarly: true,
      namesCalls: false,
      hearsLoss: true,
      addressOf: (_room, id) => id,
      placeOf: (id) => ({ room: 'phone', id }),
      nameOf: ({ id }) => id,
      read: ({ what, sdp }: JsonObject) => what === 'offer' || what === 'answer' ? { signal: { kind: what, sdp: String(sdp) } } : undefined,
      write: (signal, { other: from }) => [said({ what: signal.kind, from, ...('sdp' in signal && { sdp: signal.sdp }) })],
      refuse: (connection, why) => { connection.deliver(encode({ type: why })) }
    }
  })
  app.route({ url: '/phone', ...route })
}

t.test('a dialect of a plugin calls drones, and is called, with what the kit has', async (t) => {
  const app = await serve(t, { BRIDGE: 'phone-drone' }, { plugin: phone, prefix: '' })
  const caller = await connect(t, app, '/phone')
  caller.send({ type: 'hello', name: 'p' })
  await caller.next()
  const drone = await peerOf(t, app, 'drone', 'd')
  caller.send({ type: 'say', to: 'drone:d', what: 'offer', sdp: pictures })
  t.match(await drone.next(), { type: 'offer', from: 'phone:p', sdp: pictures })
  drone.send({ type: 'answer', target: 'phone:p', sdp: answered })
  t.same(await caller.next(), { type: 'said', what: 'answer', from: 'drone:d', sdp: answered })
  drone.send({ type: 'offer', target: 'phone:p', sdp: pictures })
  t.match(await caller.next(), { what: 'offer', from: 'drone:d' })
  await drone.close()
  t.same(await caller.next(), { type: 'said', what: 'bye', from: 'drone:d' })
  caller.send({ type: 'say', to: 'drone:d', what: 'offer', sdp: pictures })
  t.same(await caller.next(), { type: 'absent' })
})
