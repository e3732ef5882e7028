import { andThen, type BridgeEntrance, type Connection, type Frame, type Peer, type PeerInfo, type State } from '../../src/kit.js'
import { encodeInternal, GstClient, type Internal, type Session } from './client.js'
import { encode, errorMessages, filled, type Role } from './schema.js'

export const dialect = 'gst'

/** All peers are in one room. */
export const room = dialect

/** As GStreamer writes them. */
const named = (roles: readonly Role[]): string => roles.map((role) => role.charAt(0).toUpperCase() + role.slice(1)).join(', ')

/** What others see of a peer: its roles and its meta, as JSON. Empty until it has told its status. */
export function statusIn ({ roles, meta = 'null' }: PeerInfo): { roles: Role[], meta: unknown } {
  return { roles: roles === undefined ? [] : JSON.parse(roles) as Role[], meta: JSON.parse(meta) as unknown }
}

interface GstHost {
  readonly generateId: () => string
  readonly bridge?: { readonly of: (dialect: string) => BridgeEntrance | undefined } | undefined
}

/**
 * The peers of this node and their sessions. Each side of a session is held by the node of its peer, which alone knows its status: who asks
 * for a session asks that node.
 */
export class GstNode {
  readonly #relay: State['relay']
  readonly #generateId: () => string
  /** To peers of other dialects, with `BRIDGE`. */
  readonly entrance: BridgeEntrance | undefined
  readonly #clients = new WeakMap<Connection, GstClient>()
  readonly #listeners = new Set<GstClient>()
  /** The sessions with each peer, of whichever node, by the clients here that have them. */
  readonly #with = new Map<string, Map<string, GstClient>>()

  constructor ({ peers, relay }: State, { generateId, bridge }: GstHost) {
    this.#relay = relay
    this.#generateId = generateId
    this.entrance = bridge?.of(dialect)
    peers.watch(dialect, {
      joined: (_room, peer) => { if (peer.info.roles !== undefined) this.#announce(peer, statusIn(peer.info).roles) },
      left: (_room, peer) => {
        if (peer.info.roles !== undefined) this.#announce(peer, [])
        for (const [sessionId, client] of [...this.#with.get(peer.id) ?? []]) this.end(client, sessionId, null)
      }
    })
  }

  #announce ({ id, info }: Peer, roles: Role[]): void {
    if (this.#listeners.size === 0) return
    const frame = encode({ type: 'peerStatusChanged', roles, meta: statusIn(info).meta, peerId: id })
    for (const { connection } of this.#listeners) connection.deliver(frame, true)
  }

  open (id: string, connection: Connection): GstClient {
    const client = new GstClient(id, connection, {
      onInternal: (client, message) => message.type === 'end' ? this.#hearEnd(client, message) : this.#accept(client, message),
      onSession: (client, session) => this.add(client, session)
    })
    this.#clients.set(connection, client)
    return client
  }

  clientOf (connection: Connection): GstClient | undefined {
    return this.#clients.get(connection)
  }

  close (client: GstClient): void {
    this.#listeners.delete(client)
    for (const session of client.sessions.values()) this.#drop(client, session)
  }

  /** Takes a client's new roles. Sessions end that it had in a role which it has no more. */
  change (client: GstClient, roles: readonly Role[]): void {
    const lost = (role: Role): boolean => client.roles.includes(role) && !roles.includes(role)
    const ending = lost('producer') ? true : lost('consumer') ? false : undefined
    for (const session of [...client.sessions.values()]) if (session.isProducer === ending) this.leave(client, session, null)
    client.roles = roles
    if (roles.includes('listener')) this.#listeners.add(client)
    else this.#listeners.delete(client)
  }

  /** Ends a session for the other side. */
  leave (client: GstClient, session: Session, error: string | null): unknown {
    const { connection, id, member } = client
    this.#drop(client, session)
    const { entrance } = this
    const end = { type: 'endSession', sessionId: session.id }
    const passed = member !== undefined && entrance !== undefined && entrance.send(connection, member, session.other, end)
    if (passed !== false) return passed
    return this.#relay.send(room, session.other, encodeInternal({ type: 'end', sessionId: session.id, error }), id)
  }

  /** The other side has ended a session, or is gone. */
  end (client: GstClient, sessionId: string, error: string | null): void {
    for (const frame of this.ended(client, sessionId, error)) client.connection.deliver(frame)
  }

  /** What tells a client of the end of a session: nothing where it knows of none. */
  ended (client: GstClient, sessionId: string, error: string | null = null): Frame[] {
    const session = client.sessions.get(sessionId)
    if (session === undefined) return []
    this.#drop(client, session)
    return [client.end(sessionId, error)]
  }

  #hearEnd (client: GstClient, { sessionId, error }: Internal & { type: 'end' }): boolean {
    this.end(client, sessionId, error)
    return true
  }

  /** Has a producer offer to a peer of another dialect. */
  beginElsewhere (client: GstClient, other: string): void {
    const session = { id: this.#generateId(), other, isProducer: true }
    const asked = encode({ type: 'startSession', peerId: other, sessionId: session.id, offer: null })
    if (client.connection.deliver(asked)) this.add(client, session)
  }

  /** Begins a session that another peer asks a client here for. The one that is asked hears of it first. */
  #accept (client: GstClient, { from, roles, offer }: Internal & { type: 'request' }): boolean {
    const isProducer = client.roles.includes('producer')
    if (!isProducer && !client.roles.includes('consumer')) {
      const details = filled(errorMessages.noSide, [from, named(roles), client.id, named(client.roles)].join('|'))
      this.#relay.send(room, from, encode({ type: 'error', details }), client.id)
      return true
    }
    const session = { id: this.#generateId(), other: from, isProducer }
    const started = (peerId: string) => encode({ type: 'sessionStarted', peerId, sessionId: session.id })
    const start = (peerId: string) => encode({ type: 'startSession', peerId, sessionId: session.id, offer })
    const [mine, theirs] = isProducer ? [start(from), started(client.id)] : [started(from), start(client.id)]
    if (!client.connection.deliver(mine, false, from)) return false
    this.add(client, session)
    andThen(this.#relay.send(room, from, theirs, client.id), (sent) => { if (sent !== 'sent') this.end(client, session.id, null) })
    return true
  }

  add (client: GstClient, session: Session): void {
    client.sessions.set(session.id, session)
    const others = this.#with.get(session.other) ?? new Map<string, GstClient>()
    this.#with.set(session.other, others.set(session.id, client))
  }

  #drop (client: GstClient, { id, other }: Session): void {
    client.sessions.delete(id)
    const others = this.#with.get(other)
    others?.delete(id)
    if (others?.size === 0) this.#with.delete(other)
  }
}
