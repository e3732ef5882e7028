import { andThen, Frame, IdSchema, quote, Type } from 'signalbox'

/** The most topics that one connection can subscribe to. */
const maxTopics = 256

const TopicsSchema = Type.Array(IdSchema)

/** The frames of a client. Other fields are kept. */
const frames = {
  subscribe: Type.Object({ type: Type.Literal('subscribe'), topics: TopicsSchema }),
  unsubscribe: Type.Object({ type: Type.Literal('unsubscribe'), topics: TopicsSchema }),
  publish: Type.Object({ type: Type.Literal('publish'), topic: IdSchema }),
  ping: Type.Object({ type: Type.Literal('ping') })
}

/** The frames that it gets. */
const sends = {
  publish: Type.Object({ type: Type.Literal('publish'), topic: IdSchema, clients: Type.Integer() }),
  pong: Type.Object({ type: Type.Literal('pong') }),
  error: Type.Object({ type: Type.Literal('error'), message: Type.String() })
}

const pong = new Frame('pong', JSON.stringify({ type: 'pong' }))

const errorFrame = (message) => new Frame('error', JSON.stringify({ type: 'error', message }))

const errors = {
  frame: (message, details) => errorFrame(details === undefined ? message : `${message}: ${details}`),
  notJson: 'Invalid JSON',
  unknownType: (type) => `Unknown message type: ${quote(type)}`,
  malformed: (type) => type === 'publish' ? 'Invalid or missing topic' : 'Invalid or missing topics',
  internal: 'Internal error'
}

/** A topic is a room, and a subscription is a member of it. */
const roomOf = (topic) => `y-webrtc/${topic}`

const handlersOf = ({ peers, relay }) => ({
  /** Takes what fits: a page with many documents subscribes to all of them at once, and again after every reconnect. */
  async subscribe ({ connection, id, members }, { topics }) {
    const wanted = new Set(topics.filter((topic) => !members.has(topic)))
    for (const topic of wanted) {
      if (!connection.may.enterRoom(topic)) return connection.deny()
      if (members.size >= maxTopics) break
      const { outcome, member } = await peers.join({ room: roomOf(topic), id, sink: connection, replace: false })
      if (outcome === 'limited') break
      members.set(topic, member)
      wanted.delete(topic)
    }
    if (wanted.size > 0) connection.refuse('Too many topics', `${wanted.size} left out`)
  },

  async unsubscribe ({ members }, { topics }) {
    for (const topic of topics.filter((topic) => members.has(topic))) {
      await peers.leave(members.get(topic))
      members.delete(topic)
    }
  },

  publish ({ connection, id }, frame) {
    if (!connection.may.enterRoom(frame.topic)) return connection.deny()
    const room = roomOf(frame.topic)
    return andThen(peers.count(room), (clients) => {
      const published = new Frame('publish', JSON.stringify({ ...frame, clients }))
      return andThen(relay.broadcast(room, published, undefined, { from: id }), () => connection.charge(published.byteLength, clients))
    })
  },

  ping ({ connection }) {
    connection.deliver(pong)
  }
})

export const autoPrefix = '/y-webrtc'

/** The signaling protocol of the npm package y-webrtc, version 10, as a dialect. */
export default async function yWebrtc (app) {
  app.route({
    url: '/',
    ...app.speak({
      name: 'y-webrtc',
      frames,
      sends,
      handlers: handlersOf(app.state),
      errors,
      open: (connection) => ({ connection, id: crypto.randomUUID(), members: new Map() })
    })
  })
}
