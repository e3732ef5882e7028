import type { MaybePromise } from '../timing/maybe-promise.js'
import type { FrameLike } from '../frame/bytes.js'

/**
 * What a dialect may ask of the exchange, wherever a peer's socket is. Every operation is one step: what it reads and
 * what it writes cannot be torn apart by another connection or another node. It answers at once or with a promise,
 * as its implementation can; a caller that awaits works with both.
 *
 * Rooms are named `<dialect>` or `<dialect>/<name>`, so that two dialects never meet. A room exists while it has members,
 * or mail, or was opened with `rooms.open` and has not expired.
 */
export interface State {
  readonly peers: Peers
  readonly rooms: Rooms
  readonly relay: Relay
  readonly sessions: Sessions
  readonly attempts: Attempts
  /** False while peers of other nodes cannot be reached. */
  readonly isReady: boolean
  /** What this node and its link to the others have been through; absent where there are no others. */
  readonly counters?: StateCounters
  /** What this node holds now: all zero when nobody is connected and everything has expired. */
  size (): StateSize
  close (): MaybePromise<void>
}

export type { FrameLike }

/** What the others may know of a peer besides its id, small and JSON-safe. */
export type PeerInfo = Readonly<Record<string, string>>

/** The receiving end of a peer, on the node where its socket is. */
export interface Sink {
  /**
   * Frames leave in the order given. False when the socket does not take the frame: it is going away, or its client reads slowly and
   * `from` has filled its share of what may wait. `isForMany`: other sinks are given the same.
   */
  deliver (frame: FrameLike, isBroadcast?: boolean, from?: Sender): boolean
  /**
   * The list of who is in a room. While an earlier one of it waits still, only the newest is kept, and goes once that one has gone,
   * unless it `isOutdated` by then: another will follow. Absent, lists are delivered like other frames.
   */
  deliverList? (room: string, list: FrameLike, isOutdated: () => boolean): boolean
  /** Its client reads slowly: a sender may be refused. */
  readonly isBehind?: boolean
  /** Where its client is: senders of one network share what may wait for a receiver. */
  readonly network?: string
  /** The connection ends: it leaves its places by itself. `by` is the subject of the administrator who asked for it. */
  close (code: number, reason?: string, by?: string): void
  /** Where it is a member, and how it hears of a place won or given up. Absent, they are not counted. */
  readonly members?: readonly Member[]
  onJoin? (member: Member, leaving: Member | undefined): void
  onLeave? (member: Member): void
  /** When the peer was last heard of, in ms since the epoch. */
  readonly seenAt: number
}

/** Who a frame is from: its sink, or its id if that is on another node. */
export type Sender = Sink | string

/** A peer as others see it. `seenAt` is in ms since the epoch; of another node's peer it may be one lease old. */
export interface Peer {
  readonly id: string
  readonly info: PeerInfo
  readonly seenAt: number
}

/** A peer's place in a room: what `join` gave and `leave` takes. It stands for this connection's registration only. */
export interface Member extends Peer {
  readonly room: string
  readonly sink: Sink
}

export interface JoinRequest {
  room: string
  /** Unique in the room. */
  id: string
  sink: Sink
  info?: PeerInfo | undefined
  /** Only a connection with the same owner may take the id over. Made by `ownerOf`, so that kinds of owners never meet. */
  owner?: string | undefined
  /** Whether a connection that holds the id already is replaced (closed with 4000), or the join is refused. A connection always replaces itself. */
  replace: boolean
  /** Most members; taking an id over needs no free place. */
  maxMembers?: number
  /** Refuse unless the room was opened with `rooms.open`. */
  requireOpen?: boolean
  /** The connection's earlier place. It leaves there, announced, if the join succeeds; in the same room before it is announced again. */
  leaving?: Member | undefined
  /** Called when a frame that this peer had sent could not be delivered on another node, after all, or a signal for all not to a member. */
  undeliverable?: ((to: string) => void) | undefined
  /** The first frame the sink gets, before mail and before anything new. It is given the other members, which are gathered only if it takes a parameter. */
  welcome?: ((others: readonly Peer[]) => FrameLike) | undefined
}

export type JoinOutcome =
  | { readonly outcome: 'joined', readonly member: Member }
  /** `taken`: the id is another's. `full`: `maxMembers` reached, or the connection is in as many rooms as it may be. `missing`: the room is not open. */
  | { readonly outcome: 'taken' | 'full' | 'missing' }

/** How a connection is closed: `reason` is at most 123 bytes, `by` the subject of who asked for it. */
export interface CloseRequest {
  readonly code: number
  readonly reason: string
  readonly by?: string | undefined
}

/** `absent`: no such peer. `unreachable`: its node cannot be told now, or nobody knows where it is. */
export type DisconnectOutcome = 'closed' | 'absent' | 'unreachable'

/** Who is where. */
export interface Peers {
  join (join: JoinRequest): MaybePromise<JoinOutcome>
  /** False when the place was taken over or given up before, which then changes nothing. */
  leave (member: Member): MaybePromise<boolean>
  /** Closes the peer's connection, on whichever node it is. It leaves as it would by itself, soon after. */
  disconnect (room: string, id: string, ending: CloseRequest): MaybePromise<DisconnectOutcome>
  /** The members of a room, in the order they joined. */
  list (room: string): MaybePromise<readonly Peer[]>
  /** How many members a room has. As cheap in a room of thousands as in an empty one. */
  count (room: string): MaybePromise<number>
  /** Names of the rooms that have members and whose name begins with `prefix`. */
  roomNames (prefix: string): MaybePromise<readonly string[]>
  /**
   * From here on `watcher` hears, on every node, of the peers that join and leave the rooms of one dialect: once each, in
   * order, after the fact. A takeover is a join. One watcher a dialect: a second one takes the place of the first.
   */
  watch (dialect: string, watcher: Watcher): void
}

export interface Watcher {
  /** Whether `seenAt` is shown to anybody: nodes tell each other only then. */
  readonly showsSeen?: boolean
  joined? (room: string, peer: Peer): void
  left? (room: string, peer: Peer): void
}

/** Rooms that must be opened before they can be joined, and expire. */
export interface Rooms {
  /**
   * Opens `<prefix><code>` under a code of `digits` random digits without a leading zero, unused on any node. It expires
   * after `idleMs` without a join or a broadcast: its members are closed with 4001; and after `emptyMs` without a member.
   * Answers the code, or undefined when none was found: never while one in ten is free, and nearly never while one in twenty is.
   *
   * Rooms that were opened `by` one and that nobody is in any more hold one code in 256, but one at least and 32 at most: of more the one
   * that was left first goes at once.
   */
  open (room: { prefix: string, digits: number, idleMs: number, emptyMs: number, by?: string | undefined }): MaybePromise<string | undefined>
}

/** `absent`: no such peer. `failed`: its socket is going away and did not take the frame. */
export type SendOutcome = 'sent' | 'absent' | 'failed'

/** Frames for peers. What one sender sends to one receiver arrives in the order sent. */
export interface Relay {
  /** `sent` to another node is a promise only: when the frame does not get there, `undeliverable` of the peer `from` is called. */
  send (room: string, to: string, frame: FrameLike, from?: string): MaybePromise<SendOutcome>
  /**
   * An absent peer finds the frame when it joins, after its welcome, within `keepMs`. Frames of one sender for one receiver
   * expire together, when the oldest of them does: then `expired` is delivered to the sender, once. `full`: not kept, a
   * bound of the mailbox or of the node is reached, or the sender's share of it.
   */
  sendOrKeep (mail: Mail): MaybePromise<SendOutcome | 'kept' | 'full'>
  /** To every member of the room, but for the one with the id `except`. Answers how many there were. */
  broadcast (room: string, frame: FrameLike, except?: string, origin?: Origin): MaybePromise<number>
  /**
   * The same for the members on this node only: what a watcher, which runs on every node, uses. Nothing is made for a room without
   * others. `about`: the peer that caused it, in whose share it counts.
   */
  broadcastHere (room: string, make: () => FrameLike, except?: string, about?: Peer): void
  /** Tells the members on this node who is there. See `Sink.deliverList`. Answers how many there were. */
  listHere (room: string, make: () => FrameLike, isOutdated: () => boolean): number
}

/** Whom a broadcast is from. */
export interface Origin {
  /** An id in the room; absent, it is `except`. */
  from?: string
  /** It must not be lost silently: `undeliverable` of the sender is called when a member reads too slowly to get it. */
  isSignal?: boolean
}

export interface Mail {
  room: string
  from: string
  to: string
  frame: FrameLike
  keepMs: number
  expired: () => FrameLike
  /** Who is behind the sender, under however many ids: a token's subject, or a network. Absent, nobody else is counted with it. */
  origin?: string | undefined
}

/**
 * Bounds of what waits for absent peers. One sender may fill a quarter of a mailbox, at least 16 frames and 64 KiB, and an eighth of a
 * node's bytes, at least 64 KiB. All senders of one origin may fill seven eighths of a mailbox and half of a node's bytes, and what the
 * least shares of four senders are.
 */
export interface MailboxLimits {
  /** Frames for one destination. */
  maxMessages: number
  /** Bytes of frames for one destination. */
  maxBytes: number
  /** Bytes on one node, with what keeping them takes. */
  totalBytes: number
}

/** Calls between two peers of a room, known by the two and a name. */
export interface Sessions {
  /**
   * Checks the session, resolves it and sends, in one step. An offer (`begins`) begins its session, once it was sent. A frame
   * without a session gets the latest of the two, if any. A session ends when one of the two leaves or after `idleMs`. Of those
   * that a peer has begun 64 go on: one more ends the one that was idle longest. `foreign`: for an offer, that its receiver is in a
   * session of this name with somebody else; for other frames, that only others are in one.
   */
  send (signal: SessionSignal): MaybePromise<SendOutcome | 'foreign'>
}

export interface SessionSignal {
  room: string
  from: string
  to: string
  session: string | undefined
  begins: boolean
  idleMs: number
  /** The frame to send, once its session is known. */
  frame: (session: string | undefined) => FrameLike
}

/**
 * What may fail only so often, over all nodes. An attempt counts from before it is made, in one step with the check: many at once
 * are no more than one after the other.
 */
export interface Attempts {
  /** Begins one. False while the key is barred, and when one more may be too many: as many as may fail, and one, are under way or have failed. */
  begin (key: string, limit: AttemptLimit): MaybePromise<boolean>
  /** One that was begun does not count any more. */
  succeed (key: string): MaybePromise<void>
  /** One that was begun has failed. True when it was one too many: the key is barred for `windowMs` from now. */
  fail (key: string, limit: AttemptLimit): MaybePromise<boolean>
  /** Of what attempts are about the key holds one more, or one less. As many may fail as all nodes hold, if that is more than the limit. */
  hold (key: string, change: 1 | -1): MaybePromise<unknown>
}

export interface AttemptLimit {
  /** So many may fail in a window of `windowMs`, which begins with the first attempt. */
  failures: number
  windowMs: number
}

export interface StateSize {
  peers: number
  rooms: number
  /** Members of the room that has most of them. */
  largestRoom: number
  /** Mailboxes with something in them, and the bytes of all frames in them. */
  mailboxes: number
  mailboxBytes: number
  sessions: number
  attempts: number
}

/** Counted since the start. */
export interface StateCounters {
  /** Leases renewed. */
  renewals: number
  /** Leases found to have run out: this node was paused, or cut off. */
  leasesLost: number
  /** Registrations brought back after a lost lease or link. */
  peersRestored: number
  /** Dead nodes whose peers this node removed, and those peers. */
  nodesReaped: number
  peersReaped: number
  /** Frames for a peer that had gone by the time they reached its node. */
  framesDropped: number
  /** Times the link came up again. */
  reconnects: number
  /** What came from Redis and was not understood, or could not be handled. */
  messagesSkipped: number
  /** Commands that Redis answered with an error. */
  commandsRefused: number
  /** ms that the last probe took, there and back. */
  roundTripMs: number
}
