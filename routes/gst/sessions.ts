import { andThen, type Peer, type PeerInfo, type State } from '../../src/kit.js'
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

/**
 * The peers of this node and their sessions. Each side of a session is held by the node of its peer, which alone knows its status: who asks
 * for a session asks that node.
 */
export class GstNode {
  readonly #relay: State['relay']
  readonly #generateId: () => string
  readonly #listeners = new Set<GstClient>()
  /** The sessions with each peer, of whichever node, by the clients here that have them. */
  readonly #with = new Map<string, Map<string, GstClient>>()

  constructor ({ peers, relay }: State, { generateId }: { generateId: () => string }) {
    this.#relay = relay
    this.#generateId = generateId
    peers.watch(dialect, {
      joined: (_room, peer) => { if (peer.info.roles !== undefined) this.#announce(peer, statusIn(peer.info).roles) },
      left: (_room, peer) => {
        if (peer.info.roles !== undefined) this.#announce(peer, [])
        for (const [sessionId, client] of [...this.#with.get(peer.id) ?? []]) this.#end(client, sessionId, null)
      }
    })
  }

  #announce ({ id, info }: Peer, roles: Role[]): void {
    if (this.#listeners.size === 0) return
    const frame = encode({ type: 'peerStatusChanged', roles, meta: statusIn(info).meta, peerId: id })
    for (const { connection } of this.#listeners) connection.deliver(frame, true)
  }

  open (id: string, client: GstClient['connection']): GstClient {
    return new GstClient(id, client, {
      onInternal: (client, message) => message.type === 'end' ? this.#ended(client, message) : this.#accept(client, message),
      onSession: (client, session) => this.#add(client, session)
    })
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
    this.#drop(client, session)
    return this.#relay.send(room, session.other, encodeInternal({ type: 'end', sessionId: session.id, error }), client.id)
  }

  /** The other side is gone. */
  lose (client: GstClient, { id }: Session): void {
    this.#end(client, id, null)
  }

  #ended (client: GstClient, { sessionId, error }: Internal & { type: 'end' }): boolean {
    this.#end(client, sessionId, error)
    return true
  }

  #end (client: GstClient, sessionId: string, error: string | null): void {
    const session = client.sessions.get(sessionId)
    if (session === undefined) return
    this.#drop(client, session)
    client.tellEnd(sessionId, error)
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
    this.#add(client, session)
    andThen(this.#relay.send(room, from, theirs, client.id), (sent) => { if (sent !== 'sent') this.lose(client, session) })
    return true
  }

  #add (client: GstClient, session: Session): void {
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
