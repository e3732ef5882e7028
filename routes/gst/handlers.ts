import { andThen, Frame, type Handlers, type MaybePromise, passedOn, type PeerInfo, type PlainForm, type State } from '../../src/kit.js'
import { encodeInternal, type GstClient } from './client.js'
import { type EndFrame, type frames, type PeerFrame, type Role, encode, errorMessages } from './schema.js'
import { type GstNode, room, statusIn } from './sessions.js'

const maxMetaLength = 4096

const peerForm: PlainForm = { first: ['type', 'sessionId'], members: 3 }

export function gstHandlers ({ peers, relay }: State, node: GstNode): Handlers<typeof frames, GstClient> {
  const { entrance } = node

  /** The peers that have a role, as others see them. */
  function having (role: Role) {
    return andThen(peers.list(room), (all) => all.flatMap(({ id, info }) => {
      const { roles, meta } = statusIn(info)
      return roles.includes(role) ? [{ id, meta }] : []
    }))
  }

  function answer ({ connection }: GstClient, frame: Frame): void {
    connection.deliver(frame)
    connection.charge(frame.byteLength)
  }

  /** The protocol's version is chosen before anything else is said. */
  function spoken<Rest extends unknown[]> (handle: (client: GstClient, ...rest: Rest) => MaybePromise<unknown>) {
    return (client: GstClient, ...rest: Rest): MaybePromise<unknown> => {
      client.hasSpoken = true
      return handle(client, ...rest)
    }
  }

  function endSession (client: GstClient, { sessionId, error = null }: EndFrame): unknown {
    if (error !== null && !client.hasVersion11) return client.connection.refuse(errorMessages.noError, client.id)
    const session = client.sessions.get(sessionId)
    return session && node.leave(client, session, error)
  }

  return {
    setProtocolVersion (client, { version }) {
      if (client.hasSpoken) return client.connection.refuse(errorMessages.notFirst, client.id)
      client.hasSpoken = true
      client.hasVersion11 = version === 'v1_1'
    },

    setPeerStatus: spoken((client, { roles, meta = null }) => {
      const { connection, id } = client
      const info = { roles: JSON.stringify([...new Set(roles)]), meta: JSON.stringify(meta) }
      if (info.meta.length > maxMetaLength) return connection.refuse(errorMessages.largeMeta)
      if (roles.includes('producer') && roles.includes('consumer')) return connection.refuse(errorMessages.bothSides, id)
      const status = info.roles + info.meta
      if (status === client.status) return
      client.status = status
      node.change(client, roles)
      return join(client, peers, info)
    }),

    list: spoken((client) => andThen(having('producer'), (producers) => answer(client, encode({ type: 'list', producers })))),

    listConsumers: spoken((client) =>
      andThen(having('consumer'), (consumers) => answer(client, encode({ type: 'listConsumers', consumers })))),

    startSession: spoken((client, frame) => {
      const { connection, id, roles, member } = client
      const { peerId, offer = null } = frame
      if (client.isFull) return connection.refuse(errorMessages.tooMany)
      if (peerId === id) return connection.refuse(errorMessages.notFound, peerId)
      if (member !== undefined && entrance?.reaches(peerId) === true) {
        if (offer === null && roles.includes('producer')) return node.beginElsewhere(client, peerId)
        return entrance.send(connection, member, peerId, frame)
      }
      return andThen(relay.send(room, peerId, encodeInternal({ type: 'request', from: id, roles, offer }), id), (sent) => {
        if (sent === 'failed') connection.refuse(errorMessages.slow)
        else if (sent === 'absent') connection.refuse(errorMessages.notFound, peerId)
      })
    }),

    peer: spoken((client, frame, received) => {
      const { connection, id, member } = client
      const session = client.sessions.get(frame.sessionId)
      if (frame.sdp === undefined && frame.ice === undefined) return connection.refuse(errorMessages.malformed())
      // It has ended, and who is in it may not know yet.
      if (session === undefined) return
      const { other, isProducer } = session
      if (frame.sdp?.type === 'offer' && !isProducer) return connection.refuse(errorMessages.notProducer, `${id}|${other}|${id}`)
      const passed = member !== undefined && entrance !== undefined && entrance.send(connection, member, other, frame)
      if (passed !== false) return passed
      const sent = relay.send(room, other, passedOn(received, frame, peerForm) ?? composed(frame), id)
      return andThen(sent, (sent) => {
        if (sent === 'failed') connection.refuse(errorMessages.slow)
        else if (sent === 'absent') node.end(client, session.id, null)
      })
    }),

    endSession: spoken(endSession),
    endSessionV1_1: spoken(endSession)
  }
}

/** A peer is in the room from its welcome on, and joins again with each new status. */
export function join (client: GstClient, peers: State['peers'], info: PeerInfo, welcome?: () => Frame): MaybePromise<unknown> {
  const undeliverable = () => client.connection.refuse(errorMessages.slow)
  const { id, member: leaving } = client
  const joined = peers.join({ room, id, sink: client, info, replace: false, leaving, undeliverable, ...(welcome && { welcome }) })
  return andThen(joined, ({ member }) => { client.member = member ?? client.member })
}

function composed ({ type, sessionId, sdp, ice }: PeerFrame): Frame {
  return encode({ type, sessionId, ...(sdp === undefined ? { ice } : { sdp }) } as PeerFrame)
}
