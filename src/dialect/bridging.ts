import type { Permit } from '../auth/permit.js'
import type { FrameLike } from '../frame/bytes.js'
import type { JsonObject } from '../frame/parse.js'
import type { Member, Sink } from '../state/contract.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Connection } from './connection.js'

/** What one end of a call tells the other, in the form of no dialect. Texts are those of the sender, byte for byte. */
export type Signal =
  | { readonly kind: 'offer' | 'answer', readonly sdp: string }
  | Candidate
  /** No more candidates. */
  | { readonly kind: 'end' }
  /** The sender has left its calls with the receiver; of a dialect that `endsCalls`, the one that it names. */
  | { readonly kind: 'bye' }

/** An ICE candidate, as its sender wrote it, and the m-line that it belongs to. */
export interface Candidate {
  readonly kind: 'candidate'
  readonly candidate: string
  /** The m-line that it belongs to, by name and by number. A dialect may know one of them only, or none for the first m-line. */
  readonly mid?: string | undefined
  readonly index?: number | undefined
  readonly usernameFragment?: string | undefined
}

/** What a frame says to a peer of another dialect. */
export interface Said {
  readonly signal: Signal
  /** The call that it belongs to, as its dialect names it. Absent: the latest of the two peers. */
  readonly name?: string | undefined
  /** Of an offer: the data channel, as an app of the other end may see it. */
  readonly label?: string | undefined
  /** Of an offer: no peer of another dialect could read what goes over the call. */
  readonly isUnreadable?: boolean
}

/** `media`: pictures or sound, maybe with data channels. `data`: data channels and nothing else. */
export type CallKind = 'media' | 'data'

/** A call between two dialects, as the dialect of one end sees it. */
export interface BridgedCall {
  /** A random UUID. */
  readonly id: string
  readonly kind: CallKind
  /** The id of the peer whose dialect is asked. */
  readonly self: string
  /** The other peer, by its qualified id. */
  readonly other: string
  /** How this dialect names the call. */
  readonly name: string
  readonly label: string | undefined
}

/**
 * Why a call does not come about. `absent`: nobody has the id, or it does not answer. `not_allowed`: by the token of either end.
 * `impossible`: the two could not understand each other.
 */
export type BridgeRefusal = 'absent' | 'not_allowed' | 'impossible'

/** The client of a peer that has part in calls, as far as these go: a connection, or one that has no socket. */
export type CallClient = Sink & Pick<Connection, 'address' | 'may' | 'noteRefusal' | 'after' | 'every'>

/** How peers of a dialect call those of other dialects, and are called by them: see docs/bridge.md. */
export interface Bridging<Client extends CallClient = Connection> {
  /** Which calls its peers can have. */
  readonly kinds: readonly CallKind[]
  /** Whether its peers keep candidates that come before they have answered a call. Where they do not, candidates wait for the answer. */
  readonly keepsEarly: boolean
  /** Whether its frames name the call that they belong to. Where they do not, two peers have one call at a time. */
  readonly namesCalls: boolean
  /** Whether its peers are told, by a `bye`, when the other end has gone. */
  readonly hearsLoss: boolean
  /** Whether a `bye` ends the one call that it names. By default it ends all calls of the two peers. */
  readonly endsCalls?: boolean
  /** A peer as others name it, behind `<dialect>:`. Undefined for a room whose peers have no part in calls between dialects. */
  readonly addressOf: (room: string, id: string) => string | undefined
  /** The peer that others name so. Undefined for what names nobody. */
  readonly placeOf: (address: string) => { readonly room: string, readonly id: string } | undefined
  /** Whether a client may reach the peers of a room. By default it may. */
  readonly mayReach?: (permit: Permit, room: string) => boolean
  /** What a frame that was checked says. Undefined where it says nothing that can be passed to another dialect. */
  readonly read: (frame: JsonObject) => Said | undefined
  /**
   * The frames that tell one of its peers. None where the dialect has no word for it; of an offer, where the peer cannot take it: the
   * caller is refused then.
   */
  readonly write: (signal: Signal, call: BridgedCall, client: Client) => readonly FrameLike[]
  /** The name of a call that comes from another dialect, where its caller named it so. */
  readonly nameOf: (call: { readonly id: string, readonly kind: CallKind, readonly name: string }) => string
  /** Tells one of its peers that its call to `other` has not come about. */
  readonly refuse: (client: Client, why: BridgeRefusal, ends: BridgedEnds) => void
}

/** Whose call it is. */
export interface BridgedEnds {
  /** The id of the peer whose dialect is asked. */
  readonly self: string
  /** The other peer, by its qualified id. */
  readonly other: string
  /** How this dialect names the call. Absent where its frames do not, or named none. */
  readonly name?: string | undefined
}

/** The way of one dialect's peers to those of others. */
export interface BridgeEntrance {
  /** Whether a target names a peer of another dialect that this one may call, whether or not anybody has the id. */
  reaches (target: string): boolean
  /**
   * Passes a signal on to a peer of another dialect, or refuses it. False, and nothing is done, where the target names no such peer, or
   * this dialect may not call it: then it is a target like any other.
   */
  send (client: CallClient, member: Member, target: string, frame: JsonObject): MaybePromise<boolean>
  /** Ends a peer's calls here. Nobody is told: what was agreed stays. */
  forget (member: Member): void
}
