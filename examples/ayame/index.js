import { andThen, closeCodes, Frame, IdSchema, passedOn, Type } from 'signalbox'

/** How often a client is pinged, as by the original. In ms. */
const pingEveryMs = 5_000

/** A client that sends nothing for so long is gone, as for the original. In ms. */
const maxFrameGapMs = 60_000

const typed = (type, fields = {}) => Type.Object({ type: Type.Literal(type), ...fields })

/** The frames of a client. What they hold besides is passed on. */
const frames = {
  register: typed('register', { roomId: IdSchema, standalone: Type.Optional(Type.Boolean()) }),
  offer: typed('offer'),
  answer: typed('answer'),
  candidate: typed('candidate'),
  pong: typed('pong'),
  connected: typed('connected')
}

/** The frames that it gets. */
const sends = {
  accept: typed('accept', { connectionId: Type.String(), isExistClient: Type.Boolean(), isExistUser: Type.Boolean() }),
  reject: typed('reject', { reason: Type.String() }),
  offer: frames.offer,
  answer: frames.answer,
  candidate: frames.candidate,
  ping: typed('ping'),
  bye: typed('bye')
}

const encode = (frame) => new Frame(frame.type, JSON.stringify(frame))
const [ping, bye] = [encode({ type: 'ping' }), encode({ type: 'bye' })]

/** The original ends a connection with any error, most of them without a word. Ours says why. */
const errors = {
  frame: (reason) => encode({ type: 'reject', reason }),
  notJson: 'InvalidJSON',
  unknownType: () => 'InvalidMessageType',
  malformed: (type) => type === 'register' ? 'MissingRoomID' : 'InvalidJSON',
  internal: 'InternalServerError',
  closes: () => closeCodes.normal
}

export const autoPrefix = '/signaling'

/** The signaling protocol of Ayame: rooms of two, who are told when to call and when it is over. */
export default async function ayame (app) {
  const { state: { peers, relay }, signalbox } = app
  /** The members of all rooms, by the news: whoever is among them when somebody leaves was in the room with them. */
  const arrived = new Set()

  function signal ({ connection, member }, frame, received) {
    if (member === undefined) return connection.refuse('RegistrationIncomplete')
    const signal = passedOn(received, frame, { first: ['type'] }) ?? encode(frame)
    const sent = relay.broadcast(member.room, signal, member.id, { isSignal: true })
    return andThen(sent, (count) => connection.charge(signal.byteLength, count))
  }

  const handlers = {
    register (client, { roomId, standalone = false }) {
      const { connection, id } = client
      if (client.member !== undefined) return connection.refuse('InternalServerError')
      if (!connection.may.enterRoom(roomId)) return connection.refuse('Forbidden')
      const joined = peers.join({
        room: `ayame/${roomId}`,
        id,
        info: standalone ? { standalone: 'true' } : {},
        sink: connection,
        replace: false,
        maxMembers: 2,
        welcome ([partner]) {
          const isExistClient = partner !== undefined
          const { iceServers } = signalbox.iceServers(connection.may)
          const accept = { type: 'accept', connectionId: id, isExistClient, isExistUser: isExistClient }
          return encode(iceServers.length > 0 ? { ...accept, iceServers } : accept)
        }
      })
      return andThen(joined, ({ outcome, member }) => {
        client.member = member
        if (member === undefined) return connection.refuse(outcome === 'full' ? 'full' : 'InternalServerError')
        if (!standalone) connection.every(pingEveryMs, () => connection.deliver(ping))
      })
    },
    offer: signal,
    answer: signal,
    candidate: signal,
    pong () {},
    connected ({ connection, member }) {
      if (member === undefined) return connection.refuse('RegistrationIncomplete')
      if (member.info.standalone !== undefined) connection.close(closeCodes.normal)
    }
  }

  peers.watch('ayame', {
    joined (_room, { id }) { arrived.add(id) },
    // The room ends with the first who leaves.
    left (room, { id }) {
      arrived.delete(id)
      for (const { id: other, info, sink } of peers.here(room)) {
        if (!arrived.has(other)) continue
        if (info.standalone === undefined) sink.deliver(bye)
        sink.close(closeCodes.normal, '')
      }
    }
  })

  app.route({
    url: '/',
    ...app.speak({
      name: 'ayame',
      frames,
      sends,
      handlers,
      errors,
      liveness: { maxFrameGapMs },
      open: (connection) => ({ connection, id: crypto.randomUUID(), member: undefined })
    })
  })
}
