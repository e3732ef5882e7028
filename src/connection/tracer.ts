import type { CompiledDialect } from '../dialect/dialect.js'
import { type FrameLike, frameOf } from '../frame/bytes.js'
import { countMembers, objectOf, parse } from '../frame/parse.js'
import type { Sender, State } from '../state/contract.js'
import type { Timers } from '../timing/timers.js'
import { ClientConnection } from './connection.js'
import type { ClientEvents, CloseEvent, PeerEvent } from './events.js'

/** What became of a frame in the state. A number: it went to so many peers. */
type Relayed = string | number

/** A frame of a followed peer, or its coming and going. Never a payload. */
export interface TracedFrame {
  /** ms since the epoch. */
  readonly time: number
  /** As its dialect knows it, `unknown` for any other; `joined`, `left` and `closed` for the peer itself. */
  readonly type: string
  /** Of the frame. Absent for what is none. */
  readonly bytes?: number
  /** The sender's id. Absent for the server. */
  readonly from?: string
  /** The receiver's id. Absent for the server, and for a frame to everybody in the room. */
  readonly to?: string
  /** How many got it, where it was for everybody in the room. */
  readonly receivers?: number
  /**
   * `sent`, `kept`, `absent`, `failed`, `full`, `foreign` as the state has it; `handled` for a frame that went no further; `refused` for
   * one that a socket did not take; or the sentence of the error that it was answered with.
   */
  readonly outcome: string
}

export interface TracerHost {
  readonly state: Pick<State, 'peers' | 'relay' | 'sessions'>
  readonly events: ClientEvents
  readonly dialects: ReadonlyMap<string, CompiledDialect>
  readonly timers: Timers
}

/** One peer that is followed, by its room and id, whatever connection it has. */
interface Followed {
  readonly room: string
  readonly id: string
  readonly tell: (frame: TracedFrame) => void
  connection?: ClientConnection | undefined
  /** The frame that its connection handles. */
  current?: Handled | undefined
}

interface Handled {
  readonly time: number
  readonly type: string
  readonly bytes: number
  /** It was passed on. */
  isRelayed?: boolean
}

/**
 * Follows peers of this node, and frames that this node has for peers of others. The connection of a followed peer, and the relay while
 * anybody is followed, have methods of their own for that: without it a frame costs what it always does.
 */
export class Tracer {
  readonly #host: TracerHost
  readonly #followed = new Set<Followed>()
  /** What took the frames of a connection before it was followed, where that was not its class: calls between dialects do so. */
  readonly #delivers = new WeakMap<ClientConnection, ClientConnection['deliver']>()
  #end: (() => void) | undefined

  constructor (host: TracerHost) {
    this.#host = host
  }

  /** Tells of a peer's frames from now on, until the function that it answers with is called. One follower for each peer. */
  follow (room: string, id: string, tell: (frame: TracedFrame) => void): () => void {
    const followed: Followed = { room, id, tell }
    if (this.#followed.size === 0) this.#begin()
    this.#followed.add(followed)
    this.#attach(followed)
    return () => {
      this.#detach(followed)
      this.#followed.delete(followed)
      if (this.#followed.size > 0) return
      this.#end?.()
      this.#end = undefined
    }
  }

  #begin (): void {
    const { events: { emitter } } = this.#host
    const unwrap = this.#wrapRelay()
    const onJoin = (event: PeerEvent): void => this.#each(event, (followed) => {
      this.#note(followed, 'joined')
      this.#attach(followed)
    })
    const onLeave = (event: PeerEvent): void => this.#each(event, (followed) => {
      this.#note(followed, 'left')
      this.#detach(followed)
    })
    const onClose = ({ dialect = '', id, code, reason }: CloseEvent): void => {
      for (const followed of this.#followed) {
        if (followed.id === id && followed.room.split('/', 1)[0] === dialect) this.#note(followed, 'closed', `${code} ${reason}`.trim())
      }
    }
    emitter.on('join', onJoin).on('leave', onLeave).on('close', onClose)
    this.#end = () => {
      unwrap()
      emitter.off('join', onJoin).off('leave', onLeave).off('close', onClose)
    }
  }

  #each ({ room, id }: PeerEvent, tell: (followed: Followed) => void): void {
    for (const followed of this.#followed) if (followed.room === room && followed.id === id) tell(followed)
  }

  #find (room: string, id: string | undefined): Followed | undefined {
    for (const followed of this.#followed) if (followed.room === room && followed.id === id) return followed
    return undefined
  }

  #note ({ id, tell }: Followed, type: string, outcome = type): void {
    tell({ time: this.#host.timers.timeOfDay(), type, from: id, outcome })
  }

  #attach (followed: Followed): void {
    const { room, id } = followed
    this.#detach(followed)
    const connection = this.#host.state.peers.here(room).find((member) => member.id === id)?.sink
    if (!(connection instanceof ClientConnection)) return
    const isFollowed = [...this.#followed].some((other) => other.connection === connection)
    if (!isFollowed && Object.hasOwn(connection, 'deliver')) this.#delivers.set(connection, connection.deliver)
    followed.connection = connection
    this.#wrap(followed, connection)
  }

  #wrap (followed: Followed, connection: ClientConnection): void {
    const { room, id, tell } = followed
    const { timers, dialects } = this.#host
    const dialect = dialects.get(connection.dialect ?? '')
    const { process, deliver, deliverList } = connection
    const sent = (given: FrameLike, from: Sender | undefined, isTaken: boolean): boolean => {
      const { type, byteLength: bytes } = frameOf(given)
      const sender = idOf(from, room)
      const outcome = isTaken ? 'sent' : 'refused'
      tell({ time: timers.timeOfDay(), type, bytes, ...(sender !== undefined && { from: sender }), to: id, outcome })
      return isTaken
    }
    connection.process = (bytes) => {
      const handled: Handled = { time: timers.timeOfDay(), type: typeOf(bytes, dialect), bytes: bytes.length }
      const errors = new Map(dialect?.traffic.errors)
      followed.current = handled
      process.call(connection, bytes)
      if (handled.isRelayed === true) return
      const error = [...dialect?.traffic.errors ?? []].find(([name, count]) => count > (errors.get(name) ?? 0))?.[0]
      const { time, type, bytes: size } = handled
      tell({ time, type, bytes: size, from: id, outcome: error ?? 'handled' })
    }
    connection.deliver = (frame, isForMany, from) => sent(frame, from, deliver.call(connection, frame, isForMany, from))
    connection.deliverList = (room, list, isOutdated) => sent(list, undefined, deliverList.call(connection, room, list, isOutdated))
  }

  #detach (followed: Followed): void {
    const { connection } = followed
    followed.connection = followed.current = undefined
    if (connection === undefined) return
    for (const name of ['process', 'deliver', 'deliverList'] as const) Reflect.deleteProperty(connection, name)
    const deliver = this.#delivers.get(connection)
    if (deliver !== undefined) connection.deliver = deliver
    // A client may hold several ids, and others of them may be followed.
    for (const other of this.#followed) if (other.connection === connection) this.#wrap(other, connection)
  }

  /** What was passed on for a peer; its frames to a followed one are told of where they arrive. */
  #relayed (room: string, from: string | undefined, to: string | undefined, frame: () => FrameLike, outcome: Relayed): void {
    const sender = this.#find(room, from)
    const receiver = outcome === 'sent' || sender !== undefined || to === undefined ? undefined : this.#find(room, to)
    const followed = sender ?? receiver
    if (followed === undefined) return
    const { type, byteLength: bytes } = frameOf(frame())
    followed.tell({
      time: this.#host.timers.timeOfDay(),
      type,
      bytes,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(typeof outcome === 'number' ? { receivers: outcome, outcome: 'sent' } : { outcome })
    })
  }

  /** As `auditRelays` does: the dialects find the relay's methods anew for each frame. */
  #wrapRelay (): () => void {
    const { relay, sessions } = this.#host.state
    const [plain, plainSessions] = [{ ...relay }, { ...sessions }]
    const tell = <T extends Relayed>(
      room: string, from: string | undefined, to: string | undefined, frame: () => FrameLike, send: () => T | Promise<T>
    ): T | Promise<T> => {
      const current = this.#find(room, from)?.current
      if (current !== undefined) current.isRelayed = true
      const outcome = send()
      if (outcome instanceof Promise) outcome.then((outcome) => this.#relayed(room, from, to, frame, outcome), () => {})
      else this.#relayed(room, from, to, frame, outcome)
      return outcome
    }
    relay.send = (room, to, frame, from) => tell(room, from, to, () => frame, () => plain.send(room, to, frame, from))
    relay.sendOrKeep = (mail) => tell(mail.room, mail.from, mail.to, () => mail.frame, () => plain.sendOrKeep(mail))
    relay.broadcastOrKeep = (mail) => tell(mail.room, mail.from, undefined, () => mail.frame, () => plain.broadcastOrKeep(mail))
    relay.broadcast = (room, frame, except, origin) => {
      return tell(room, origin?.from ?? except, undefined, () => frame, () => plain.broadcast(room, frame, except, origin))
    }
    sessions.send = (signal) => {
      const { room, from, to } = signal
      let made: FrameLike = ''
      const frame = (session: string | undefined): FrameLike => { made = signal.frame(session); return made }
      return tell(room, from, to, () => made, () => plainSessions.send({ ...signal, frame }))
    }
    return () => {
      Object.assign(relay, plain)
      Object.assign(sessions, plainSessions)
    }
  }
}

function idOf (sender: Sender | undefined, room: string): string | undefined {
  return typeof sender === 'object' ? sender.members?.find((member) => member.room === room)?.id : sender
}

/** The type of a frame that came, if its dialect knows it: any other text is the client's own. */
function typeOf (bytes: Buffer, dialect: CompiledDialect | undefined): string {
  try {
    const frame = parse(bytes, countMembers(bytes))
    const type = dialect?.typeOf === undefined ? objectOf(frame)?.type : dialect.typeOf(frame)
    return typeof type === 'string' && dialect?.frames.has(type) === true ? type : 'unknown'
  } catch {
    return 'unknown'
  }
}
