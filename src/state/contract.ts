import type { FrameLike } from '../frame/bytes.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { StateCounters, StateSize } from './figures.js'

/**
 * The exchange that all dialects use. It hides on which node a peer's socket is. Every operation is atomic: no other connection
 * or node can interleave with its reads and writes. An operation returns its result directly or as a promise, depending on the
 * implementation; `await` works for both.
 *
 * Rooms are named `<dialect>` or `<dialect>/<name>`, so two dialects never share one. A room exists while it has members or mail,
 * or was opened with `rooms.open` and has not expired. A connection joins rooms of its own dialect only.
 *
 * Expected failures are results (`'absent'`, `'failed'`, `'full'`, …). An outage of Redis is one of them: the state then answers
 * with what this node knows, and no promise rejects. What this node cannot know, such as whether a room of all nodes is full, is
 * refused. A call throws, or its promise rejects, only when a function that it was given throws (`welcome`, `make`, `frame`,
 * `expired`, a sink, a watcher) or on a defect. Callers treat both as internal errors.
 */
export interface State {
  readonly peers: Peers
  readonly rooms: Rooms
  readonly relay: Relay
  readonly sessions: Sessions
  readonly attempts: Attempts
  /** The other nodes. Absent without Redis. */
  readonly nodes?: Nodes
  /** False while peers of other nodes cannot be reached. */
  readonly isReady: boolean
  /** Counters of this node and its link to Redis. Absent without Redis. */
  readonly counters?: StateCounters
  /** The current size of this node's data. All zero when nobody is connected and everything has expired. */
  size (): StateSize
  close (): MaybePromise<void>
}

export type { FrameLike }
export type { StateCounters, StateSize } from './figures.js'

/** What other peers see of a peer besides its id. Small, and safe to encode as JSON. */
export type PeerInfo = Readonly<Record<string, string>>

/** The receiving end of a peer, on the node that has its socket. */
export interface Sink {
  /**
   * Sends a frame. Frames leave in the order of the calls. False when the socket refuses the frame: it is closing, or its client
   * reads slowly and `from` has used up its share of the send queue. `isBroadcast`: other sinks get the same frame.
   */
  deliver (frame: FrameLike, isBroadcast?: boolean, from?: Sender): boolean
  /**
   * Sends the member list of a room. While an earlier list of the room is still queued, only the newest is kept. It is sent after the
   * earlier one, unless it `isOutdated` by then, because another will follow. If absent, lists are delivered like other frames.
   */
  deliverList? (room: string, list: FrameLike, isOutdated: () => boolean): boolean
  /** Whether its client reads slowly, so that `deliver` may refuse frames. */
  readonly isBehind?: boolean
  /** The connection that it stands in front of. A sink that is neither a connection nor has one has no calls with other dialects. */
  readonly connection?: Sink
  /** Its dialect, which names the rooms that it may join. If absent, it may join any. */
  readonly dialect?: string | undefined
  /** The network of its client. Senders of one network share one part of a receiver's send queue. */
  readonly network?: string
  /** Whether its socket is closing, whoever began it. It keeps no id from others then, and takes none from them. If absent, it is not. */
  readonly isClosing?: boolean
  /**
   * Whether its client is still there. False while the socket is closing. A client that may have vanished is asked, and closed with 4101
   * if it does not answer in time. If absent, the client is there.
   */
  isThere? (): MaybePromise<boolean>
  /** Closes the connection, which then leaves its rooms by itself. `by` is the subject of the administrator who asked for it. */
  close (code: number, reason?: string, by?: string): void
  /** Its memberships. If absent, the limit of rooms per client does not apply. */
  readonly members?: readonly Member[]
  /** Called after each join, with the membership that it gave up, if any. */
  onJoin? (member: Member, leaving: Member | undefined): void
  /** Called before each leave. */
  onLeave? (member: Member): void
  /** When the peer was last heard of, in ms since the epoch. */
  readonly seenAt: number
}

/** The sender of a frame: its sink, or its id if it is on another node. */
export type Sender = Sink | string

/** A peer as others see it. `seenAt` is in ms since the epoch, and may be one lease old for a peer of another node. */
export interface Peer {
  readonly id: string
  readonly info: PeerInfo
  readonly seenAt: number
}

/** One connection's registration in a room: `join` returns it and `leave` takes it. A later registration of the id is another member. */
export interface Member extends Peer {
  readonly room: string
  readonly sink: Sink
  readonly grace?: Grace | undefined
}

/** How a connection becomes a member of a room. */
export interface JoinRequest {
  room: string
  /** Unique in the room. */
  id: string
  sink: Sink
  info?: PeerInfo | undefined
  /** Only a connection with the same owner may take over the id. Made by `ownerOf`, which keeps kinds of owners apart. */
  owner?: string | undefined
  /**
   * Whether to replace another connection that holds the id (it is closed with 4000). Otherwise the join is refused, if the client of
   * that connection is still there (`Sink.isThere`): one that is not leaves, on any node, before the join. A connection always replaces
   * itself.
   */
  replace: boolean
  /** The most members that the room may have, on all nodes together. Taking over an id needs no free place. */
  maxMembers?: number
  /**
   * Whether the room may exceed `maxMembers` over an outage of Redis: each node then counts its own members only, and nobody is closed
   * afterwards. For bounds that protect the server, and not what a room means. Without it the outcome is `unavailable`.
   */
  mayExceed?: boolean
  /** Refuse unless the room was opened with `rooms.open`. */
  requireOpen?: boolean
  /** The connection's earlier membership, which ends if the join succeeds. Within one room the leave is announced before the join. */
  leaving?: Member | undefined
  /**
   * Called with the receiver's id when a frame of this peer could not be delivered after `send` answered `sent`, or when a member was
   * too slow to take a broadcast signal: `refused`. When a receiver that was away has not come back: `expired`, once for all frames.
   */
  undeliverable?: ((to: string, why: UndeliverableReason) => void) | undefined
  /** How long the place is kept after an end that nobody meant. If absent, the peer leaves then. */
  grace?: Grace | undefined
  /**
   * Returns the first frame for the sink, which precedes mail and everything new. Gets the other members, which are collected only if
   * the function declares a parameter.
   */
  welcome?: ((others: readonly Peer[]) => FrameLike) | undefined
}

/**
 * A place that is kept for a peer which is away. It keeps its id, is in lists, and counts in its room. What is sent to it waits in its
 * mailbox. The same peer comes back to the place without any news of a leave or a join, whether it is away or its old connection has not
 * ended yet: it gets its welcome, then its mail. Only if its `info` is another, that is told as a takeover. While it is away, others are
 * refused its id, unless they may replace it.
 */
export interface Grace {
  /** For how long, in ms. Then it leaves, once over all nodes, and the senders of its mail are told. */
  readonly ms: number
  /** Who comes back: its owner, or else where it connects from. Kinds must not be mixed up. */
  readonly as: string
}

/** `refused`: by its socket. `expired`: it was away, and has not come back. */
export type UndeliverableReason = 'refused' | 'expired'

/** What became of a join. */
export type JoinOutcome =
  | { readonly outcome: 'joined', readonly member: Member }
  /**
   * `taken`: another connection holds the id, or the one that asked for it has closed meanwhile. `full`: the room has `maxMembers`.
   * `limited`: the connection is in as many rooms as it may join (`MAX_ROOMS_PER_CLIENT`). `missing`: the room is not open.
   * `unavailable`: Redis is away, and `maxMembers` or `requireOpen` cannot be checked. That is also so after Redis has lost its data,
   * until the other nodes have had the time to restore their members.
   */
  | { readonly outcome: 'taken' | 'full' | 'limited' | 'missing' | 'unavailable', readonly member?: undefined }

/**
 * How to close a connection. `code` is one of `closeCodes`, or a dialect's own, from 3000 to 4999. `reason` has at most 123 bytes; `by` is
 * the subject of the administrator who asked for it.
 */
export interface CloseRequest {
  readonly code: number
  readonly reason: string
  readonly by?: string | undefined
}

/** `absent`: no such peer. `unreachable`: its node cannot be notified now, or is unknown. */
export type DisconnectOutcome = 'closed' | 'absent' | 'unreachable'

/** The members of rooms. */
export interface Peers {
  /** @throws TypeError for a room of another dialect than the sink's */
  join (join: JoinRequest): MaybePromise<JoinOutcome>
  /**
   * Ends a membership. False, and without effect, when it has ended before. If the peer `mayReturn`, because nobody meant the end, its
   * place is kept for as long as its `grace` says. Frames that were sent to it before are delivered by the answer.
   */
  leave (member: Member, mayReturn?: boolean): MaybePromise<boolean>
  /**
   * Closes the peer's connection, on any node. Its leave follows soon after. One that is away leaves at once.
   *
   * @throws RangeError for a code or reason that cannot be
   */
  disconnect (room: string, id: string, ending: CloseRequest): MaybePromise<DisconnectOutcome>
  /** The members of a room, in the order they joined. One that joins again under its id, over whichever connection, keeps its place. */
  list (room: string): MaybePromise<readonly Peer[]>
  /** The number of members of a room. The cost does not depend on it. */
  count (room: string): MaybePromise<number>
  /**
   * Up to `count` members of a room, drawn at random and each at most once, without the id `except`. In no order. The cost depends on
   * `count`, an integer, and hardly on the size of the room, so that a large room need not be listed. While Redis is away they are
   * drawn from the members on this node, at the cost of all of these.
   */
  sample (room: string, count: number, except?: string): MaybePromise<readonly Peer[]>
  /**
   * The members of a room whose connections are on this node, in the order of `list`: nobody who is away. A member is here once it has its
   * welcome. For watchers, which run on every node: `for (const { sink } of peers.here(room)) sink.close(1008)`.
   */
  here (room: string): readonly Member[]
  /** The names with this prefix of all rooms that have members. */
  roomNames (prefix: string): MaybePromise<readonly string[]>
  /**
   * Notifies `watcher`, on every node, of joins and leaves in the rooms of a dialect: once each, in order, after the fact. A takeover
   * is a join. A dialect may have several watchers, which hear in the order in which they were added; one that throws keeps no other from
   * hearing. They are added before anybody joins: a room that has members on this node may not notify the first watcher of its dialect.
   *
   * A join is told of before it is answered, and may be before its welcome is delivered. A watcher's `left` for a member comes after
   * every welcome on this node that named it, and after those joins were answered: whoever was welcomed with it is in `here` by then,
   * and its `join` has resolved. A connection that closes leaves its rooms at once; `left` follows, and its dialect's `close` is called
   * after it has left, whether or not `left` has come.
   */
  watch (dialect: string, watcher: Watcher): void
}

/** What is told of joins and leaves in the rooms of a dialect. */
export interface Watcher {
  /** Whether the dialect shows `seenAt` to anybody. Nodes exchange it only then. */
  readonly showsSeen?: boolean
  joined? (room: string, peer: Peer): void
  left? (room: string, peer: Peer): void
}

/** Rooms that must be opened before anybody can join, and that expire. */
export interface Rooms {
  /**
   * Opens the room `<prefix><code>` and returns the code: `digits` random digits, without a leading zero, unused on all nodes. The
   * room expires after `idleMs` without a join or a broadcast, and its members are closed with 4001. It also expires after `emptyMs`
   * without a member. Returns undefined when no free code was found. That does not happen while one code in ten is free, and hardly
   * ever while one in twenty is.
   *
   * Empty rooms opened `by` the same subject may hold one code in 256, at least 1 and at most 32. Beyond that the room that has been
   * empty longest is removed at once.
   */
  open (
    room: { prefix: string, digits: number, idleMs: number, emptyMs: number, by?: string | undefined }
  ): MaybePromise<string | undefined>
}

/** `absent`: no such peer. `failed`: its socket refused the frame. */
export type SendOutcome = 'sent' | 'absent' | 'failed'

/** Delivers frames to peers. Frames of one sender to one receiver arrive in the order sent. */
export interface Relay {
  /** For a peer of another node `sent` is provisional: if delivery fails there, `undeliverable` of the peer `from` is called. */
  send (room: string, to: string, frame: FrameLike, from?: string): MaybePromise<SendOutcome>
  /**
   * Sends a frame, or keeps it for an absent peer, which gets it after its welcome if it joins within `keepMs`. Frames of one sender
   * for one receiver expire together, with the oldest. `expired` is then delivered to the sender, once. `full`: the frame was not
   * kept, because a limit of the mailbox or the node, or the sender's share of it, is reached.
   */
  sendOrKeep (mail: Mail): MaybePromise<SendOutcome | 'kept' | 'full'>
  /**
   * Sends a signal to the other members of the room. Returns their number. While there are none, it is kept for the first who joins, who
   * gets it after its welcome and its mail, until its sender leaves. `full`: it was not kept, because a limit of the room's mailbox or
   * the node, or the sender's share of it, is reached; because the sender is not a member; or because Redis is away.
   */
  broadcastOrKeep (mail: RoomMail): MaybePromise<number | 'kept' | 'full'>
  /** Sends a frame to all members of the room except the id `except`. Returns their number. */
  broadcast (room: string, frame: FrameLike, except?: string, origin?: Origin): MaybePromise<number>
  /**
   * The same for the members on this node only. For watchers, which run on every node. `make` is not called when there is no receiver.
   * The frame counts in the share of the peer `about`, which caused it.
   */
  broadcastHere (room: string, make: () => FrameLike, except?: string, about?: Peer): void
  /**
   * Sends a member list to the members on this node, but for those whose sinks are in `except`. Returns how many it was sent to. See
   * `Sink.deliverList`.
   */
  listHere (room: string, make: () => FrameLike, isOutdated: () => boolean, except?: ReadonlySet<Sink>): number
}

/** The origin of a broadcast. */
export interface Origin {
  /** The sender's id in the room. `except` if absent. */
  from?: string
  /** A frame that must not get lost silently: `undeliverable` of the sender is called when a member reads too slowly to take it. */
  isSignal?: boolean
}

/** A frame for a peer that may be absent. */
export interface Mail {
  room: string
  from: string
  /** Not empty. */
  to: string
  frame: FrameLike
  keepMs: number
  /** Returns the frame for the sender when the mail expires. */
  expired: () => FrameLike
  /** The origin that senders with different ids share: a token's subject, or a network. If absent, the sender counts alone. */
  origin?: string | undefined
}

/** A signal for the other members of a room, of which there may be none yet. */
export interface RoomMail extends Pick<Mail, 'room' | 'from' | 'frame' | 'origin'> {
  /** Returns the frame for the sender when kept signals are lost with the data of Redis. Delivered once for all of them. */
  lost: () => FrameLike
}

/**
 * Limits of the mail for absent peers. One sender may fill a quarter of a mailbox, at least 16 frames and 64 KiB, and an eighth of a
 * node's bytes, at least 64 KiB. All senders of one origin together may fill seven eighths of a mailbox and half of a node's bytes, at
 * least four times a sender's minimum.
 */
export interface MailboxLimits {
  /** Frames for one receiver. */
  maxMessages: number
  /** Bytes of frames for one receiver. */
  maxBytes: number
  /** Bytes on one node, including the overhead of keeping frames. */
  totalBytes: number
}

/** Sessions (calls) between two peers of a room, identified by the two peers and a name. */
export interface Sessions {
  /**
   * Checks the session, resolves it and sends the frame, in one step. An offer (`begins`) begins its session once it is sent. A frame
   * without a session gets the latest session of the two peers, if any. A session ends when one of its peers leaves, or after `idleMs`
   * without a frame. A peer may have begun at most 64 sessions: one more ends the one of them that has been idle longest.
   *
   * `foreign`, for an offer: its receiver is in a session of this name with another peer. For other frames: all sessions of this
   * name are between other peers.
   */
  send (signal: SessionSignal): MaybePromise<SendOutcome | 'foreign'>
}

/** A frame in a session of two peers. */
export interface SessionSignal {
  room: string
  from: string
  to: string
  session: string | undefined
  begins: boolean
  idleMs: number
  /** Returns the frame to send in the resolved session. */
  frame: (session: string | undefined) => FrameLike
}

/**
 * Limits failed attempts, over all nodes. An attempt counts before it is made, in one step with the check, so concurrent attempts
 * cannot exceed the limit.
 */
export interface Attempts {
  /**
   * Begins an attempt. False while the key is barred, and when more attempts than may fail are already under way or have failed.
   */
  begin (key: string, limit: AttemptLimit): MaybePromise<boolean>
  /** A begun attempt has succeeded and no longer counts. */
  succeed (key: string): MaybePromise<void>
  /** A begun attempt has failed. True when that exceeds the limit: the key is then barred for `windowMs`. */
  fail (key: string, limit: AttemptLimit): MaybePromise<boolean>
  /**
   * The key holds one more, or one less, of the things that attempts are about (such as connections). When all nodes together hold
   * more than `failures`, that many may fail.
   */
  hold (key: string, change: 1 | -1): MaybePromise<unknown>
}

/** How many attempts may fail, and in which time. */
export interface AttemptLimit {
  /** How many attempts may fail in a window of `windowMs`, which begins with the first attempt. */
  failures: number
  windowMs: number
}

/** How the nodes on one Redis ask each other, for administration. */
export interface Nodes {
  /** The names, known to Redis alone, of the other nodes that hold a lease. Undefined while Redis is away. */
  others (): Promise<readonly string[] | undefined>
  /** A node's answer. Undefined when none comes within a second: the node has gone, stands still, or is too old to know the question. */
  ask (node: string, question: string): Promise<string | undefined>
  /** Answers the questions of the others from now on. A question that it throws at, or rejects, gets no answer. */
  respond (answer: (question: string) => MaybePromise<string>): void
}
