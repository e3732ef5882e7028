import { type Static, Type } from '@sinclair/typebox'

const DialectBody = Type.Object({
  name: Type.String(),
  title: Type.String({ description: 'As people call it' }),
  summary: Type.String({ description: 'How its peers meet' }),
  url: Type.String({ description: 'What follows `ws://host:port`, or `http://host:port`, in the URL of one of its clients, for example' }),
  overHttp: Type.Optional(Type.Boolean({ description: 'Whether its clients have no sockets, but ask over HTTP' })),
  client: Type.Optional(Type.String({
    description: 'The code that connects a client, where that is not a plain WebSocket. `{hostname}`, `{port}`, `{path}` and `{secure}` ' +
      'stand for the parts of the URL that precedes `url`'
  }))
})

/** The body of `GET /info`. */
export const InfoBody = Type.Object({
  version: Type.String(),
  dialects: Type.Array(DialectBody, { description: 'The built-in dialects that are on' }),
  bridge: Type.Array(Type.String(), { description: 'The pairs of dialects whose peers may call each other, as `BRIDGE` lists them' }),
  auth: Type.Boolean({ description: 'Whether clients need a token or a certificate' }),
  heartbeatMs: Type.Integer({ description: 'Time between the server’s pings on a WebSocket. In ms' }),
  stun: Type.Boolean({ description: 'Whether there are STUN servers' }),
  turn: Type.Boolean({ description: 'Whether there are TURN servers' })
})

export type Info = Static<typeof InfoBody>
