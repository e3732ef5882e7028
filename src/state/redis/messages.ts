import { isUtf8 } from 'node:buffer'
import { mayClose } from '../../frame/close-codes.js'
import { Frame, frameOf, type FrameLike } from '../../frame/bytes.js'
import type { CloseRequest, Peer, PeerInfo, UndeliverableReason } from '../contract.js'

/**
 * What nodes tell each other, and what they leave in Redis, as bytes and back. A message is an event, a JSON array of texts that
 * begins with its kind, or any number of letters. A letter is `kind room to from type body LF`, with the length of each part in
 * bytes, and then the parts, a line feed after each but the last: by the lengths no part can be taken for another, whatever it
 * holds. The last letter of a message may give its body's length as `-`: all that follows.
 *
 * What is not understood is skipped: junk, or what a newer node says.
 */

/**
 * `frame` is for the peer `to`; `lost` tells it that its frame for `from` found nobody, and with the type `expired` that `from` has not
 * come back; `disconnect` ends its connection. `all` and
 * `signal` are for the whole room but for `to`, and come from `<process> <id>`.
 */
export type LetterKind = 'frame' | 'lost' | 'disconnect' | 'all' | 'signal'

export type LetterHead = readonly [kind: LetterKind, room: string, to: string, from: string]

/** A member of a room, on any node. */
export interface ReplicaEntry extends Peer {
  readonly registrationId: string
  readonly seenAt: number
  /** The registrationId of the one that others were told of: who comes back from being away keeps it. */
  readonly presence: string
  /** Since when its id has been taken without a break, by the clock of Redis, in ms. Undefined until its node knows that clock. */
  readonly place: number | undefined
}

/** Members in the order of their places. Those without one joined before their node knew the clock. */
export function inPlaces<M extends Pick<ReplicaEntry, 'place'>> (members: Iterable<M>): M[] {
  return [...members].sort((one, other) => (one.place ?? 0) - (other.place ?? 0))
}

/** A member of a room as Redis holds it. */
export interface Stored extends ReplicaEntry {
  readonly place: number
}

/** An event of a room, as its scripts publish it. */
export type RoomEvent =
  | { readonly kind: 'joined', readonly sequence: number, readonly room: string, readonly member: Stored }
  | { readonly kind: 'left', readonly sequence: number, readonly room: string, readonly id: string, readonly registrationId: string }

/** When peers of another node were heard of. It is no event of the room, and may be missed. */
export interface SeenEvent {
  readonly kind: 'seen'
  readonly room: string
  readonly peers: ReadonlyArray<{ readonly id: string, readonly registrationId: string, readonly seenAt: number }>
}

/** The room was lost in Redis: whoever has members in it brings them back. */
export interface RestoreRequest {
  readonly kind: 'restore'
  readonly room: string
  /** Who has found out, and has done so. */
  readonly process: string
}

export interface Probe {
  readonly kind: 'probe'
  readonly token: string
  readonly channel: string
}

/** Asks whether a registration still holds its id. The answer goes to the node in `asker`. */
export interface HolderQuestion {
  readonly kind: 'ask'
  readonly room: string
  readonly id: string
  readonly registrationId: string
  readonly asker: string
}

export interface HolderAnswer {
  readonly kind: 'answer'
  readonly registrationId: string
  readonly isHeld: boolean
}

/** Asks a node something for an administrator. The answer goes to the node in `asker`. */
export interface Query {
  readonly kind: 'query'
  readonly token: string
  readonly asker: string
  readonly text: string
}

export interface Reply {
  readonly kind: 'reply'
  readonly token: string
  readonly text: string
}

/** A frame for a whole room. If it `isSignal`, its sender is told of a member that could not take it. */
interface ToAll {
  readonly kind: 'all'
  readonly room: string
  readonly except: string
  readonly process: string
  readonly from: string
  readonly isSignal: boolean
  readonly frame: Frame
}

export type NodeMessage =
  | { readonly kind: 'frame', readonly room: string, readonly to: string, readonly from: string, readonly frame: Frame }
  | ToAll
  | { readonly kind: 'lost', readonly room: string, readonly to: string, readonly from: string, readonly why: UndeliverableReason }
  | { readonly kind: 'disconnect', readonly room: string, readonly to: string, readonly ending: CloseRequest }
  | { readonly kind: 'close', readonly room: string, readonly id: string, readonly registrationId: string, readonly code: number }
  | { readonly kind: 'found', readonly batch: string }
  | { readonly kind: 'away', readonly room: string, readonly id: string, readonly registrationId: string }
  | HolderQuestion
  | HolderAnswer
  | Query
  | Reply
  | RoomEvent
  | SeenEvent
  | RestoreRequest
  | Probe

const kinds: readonly LetterKind[] = ['frame', 'all', 'signal', 'lost', 'disconnect']

const lineFeed = 10
const space = 32
const zero = 48
const dash = 45
const bracket = 91
/** Of a head, with its line feed. */
const maxHeadBytes = 80
const letterParts = 5
const maxReasonBytes = 123

/** A letter up to its body. Without `bytes` that is all the rest of the message. */
export function headOf ([kind, room, to, from]: LetterHead, type: string, bytes?: number): string {
  return `${kind} ${bytesOf(room)} ${bytesOf(to)} ${bytesOf(from)} ${bytesOf(type)} ${bytes ?? '-'}\n${room}\n${to}\n${from}\n${type}\n`
}

/** Names are short, and ASCII as a rule: a call into Node for each would cost more than all the rest of a head. */
function bytesOf (name: string): number {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) > 127) return Buffer.byteLength(name)
  return name.length
}

/** A message of one letter. */
export function letterOf (head: LetterHead, wire: FrameLike): Buffer {
  const { type, payload } = frameOf(wire)
  const text = headOf(head, type)
  return typeof payload === 'string' ? Buffer.from(text + payload) : Buffer.concat([Buffer.from(text), payload])
}

export function probeOf ({ token, channel }: Omit<Probe, 'kind'>): string {
  return JSON.stringify(['probe', token, channel])
}

export function restoreRequestOf ({ room, process }: Omit<RestoreRequest, 'kind'>): string {
  return JSON.stringify(['restore', room, process])
}

export function questionOf ({ room, id, registrationId, asker }: Omit<HolderQuestion, 'kind'>): string {
  return JSON.stringify(['ask', room, id, registrationId, asker])
}

export function answerOf ({ registrationId, isHeld }: Omit<HolderAnswer, 'kind'>): string {
  return JSON.stringify(['answer', registrationId, isHeld ? 'held' : 'free'])
}

export function queryOf ({ token, asker, text }: Omit<Query, 'kind'>): string {
  return JSON.stringify(['query', token, asker, text])
}

export function replyOf ({ token, text }: Omit<Reply, 'kind'>): string {
  return JSON.stringify(['reply', token, text])
}

/**
 * Takes a message apart.
 *
 * @param skip called for each part of it that is not understood
 */
export function readMessages (bytes: Buffer, take: (message: NodeMessage) => void, skip: () => void): void {
  // What is handed to a socket as text breaks its receiver if it is none.
  if (bytes.length === 0 || !isUtf8(bytes)) return skip()
  if (bytes[0] === bracket) {
    const message = eventOf(bytes.toString())
    if (message === undefined) skip()
    else take(message)
    return
  }
  const lengths: number[] = []
  for (let at = 0; at < bytes.length;) {
    const limit = at + maxHeadBytes
    let kindEnd = at
    while (kindEnd < limit && bytes[kindEnd] !== space) kindEnd++
    const start = readLengths(bytes, kindEnd, limit, lengths)
    if (start === -1) return skip()
    let end = start + lengths.length - 1
    for (const length of lengths) end += length
    if (end > bytes.length) return skip()
    const kind = kinds.find((kind) => kindEnd - at === kind.length && holds(bytes, kind, at))
    const message = lengths.length < letterParts ? undefined : letterFrom(bytes, kind, start, lengths)
    if (message === undefined) skip()
    else take(message)
    at = end
  }
}

/** Whether ASCII text stands there. */
function holds (bytes: Buffer, text: string, at: number): boolean {
  for (let offset = 0; offset < text.length; offset++) if (bytes[at + offset] !== text.charCodeAt(offset)) return false
  return true
}

/** Reads ` 1 22 333\n`. Answers where it ends, or -1 for what is no head. */
function readLengths (bytes: Buffer, from: number, limit: number, lengths: number[]): number {
  lengths.length = 0
  let length = 0
  let isRest = false
  for (let at = from + 1; at < limit; at++) {
    const byte = bytes[at] as number
    if (byte >= zero && byte < zero + 10 && !isRest) {
      length = length * 10 + byte - zero
    } else if (byte === dash && bytes[at - 1] === space) {
      isRest = true
    } else if ((byte === space && !isRest) || byte === lineFeed) {
      if (bytes[at - 1] === space) return -1
      let before = at + 1 + lengths.length
      if (isRest) for (const other of lengths) before += other
      lengths.push(isRest ? Math.max(0, bytes.length - before) : length)
      if (byte === lineFeed) return at + 1
      length = 0
    } else {
      return -1
    }
  }
  return -1
}

/** Its parts, of which there may be more than we know. */
function letterFrom (bytes: Buffer, kind: LetterKind | undefined, start: number, lengths: readonly number[]): NodeMessage | undefined {
  const [roomBytes = 0, toBytes = 0, fromBytes = 0, typeBytes = 0, bodyBytes = 0] = lengths
  const end = start + roomBytes + toBytes + fromBytes + typeBytes + 4
  const names = bytes.toString('utf8', start, end)
  // As a rule all of them are ASCII, and read at once.
  const isPlain = names.length === end - start
  let at = start
  const next = (length: number): string => {
    const from = at
    at += length + 1
    return isPlain ? names.slice(from - start, from - start + length) : bytes.toString('utf8', from, from + length)
  }
  const [room, to, from, type] = [next(roomBytes), next(toBytes), next(fromBytes), next(typeBytes)] as const
  const body = bytes.subarray(end, end + bodyBytes)
  switch (kind) {
    case 'frame': return { kind, room, to, from, frame: new Frame(type, body) }
    case 'all':
    case 'signal': return toAll(kind === 'signal', room, to, from, new Frame(type, body))
    case 'lost': return { kind, room, to, from, why: type === 'expired' ? type : 'refused' }
    case 'disconnect': {
      const ending = endingOf(jsonOf(body.toString()))
      return ending && { kind, room, to, ending }
    }
  }
}

function toAll (isSignal: boolean, room: string, except: string, origin: string, frame: Frame): ToAll | undefined {
  const gap = origin.indexOf(' ')
  return gap === -1 ? undefined : { kind: 'all', room, except, process: origin.slice(0, gap), from: origin.slice(gap + 1), isSignal, frame }
}

function eventOf (text: string): NodeMessage | undefined {
  const parts = jsonOf(text)
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined
  const [kind, one, two, three, four, five, six, seven, eight] = parts as string[]
  if (one === undefined || two === undefined) return undefined
  switch (kind) {
    case 'probe': return { kind, token: one, channel: two }
    case 'restore': return { kind, room: one, process: two }
    case 'found': return three === undefined ? undefined : { kind, batch: three }
    case 'away': return three === undefined ? undefined : { kind, room: one, id: two, registrationId: three }
    case 'seen': return seenOf(one, parts.slice(2))
    case 'answer': return { kind, registrationId: one, isHeld: two !== 'free' }
    case 'query': return three === undefined ? undefined : { kind, token: one, asker: two, text: three }
    case 'reply': return { kind, token: one, text: two }
    case 'ask': {
      const isComplete = three !== undefined && four !== undefined
      return isComplete ? { kind, room: one, id: two, registrationId: three, asker: four } : undefined
    }
    case 'close': {
      const code = numberOf(four)
      return three !== undefined && mayClose(code) ? { kind, room: one, id: two, registrationId: three, code } : undefined
    }
    case 'left': {
      const sequence = numberOf(one)
      if (sequence === undefined || three === undefined || four === undefined) return undefined
      return { kind, sequence, room: two, id: three, registrationId: four }
    }
    case 'joined': {
      const sequence = numberOf(one)
      const member = three === undefined ? undefined : memberOf(three, four, five, six, seven, eight)
      return sequence === undefined || member === undefined ? undefined : { kind, sequence, room: two, member }
    }
  }
}

function seenOf (room: string, parts: readonly string[]): SeenEvent | undefined {
  const peers = []
  for (let at = 0; at < parts.length; at += 3) {
    const [id = '', registrationId = ''] = parts.slice(at, at + 2)
    const seenAt = numberOf(parts[at + 2])
    if (seenAt === undefined) return undefined
    peers.push({ id, registrationId, seenAt })
  }
  return { kind: 'seen', room, peers }
}

/** Reads a member as Redis holds it: see scripts/script.ts. Undefined for anything else. */
export function readMember (id: string, value: string): Stored | undefined {
  const [, registrationId, , , place, seenAt, , , presence, info] = value.split('\n')
  return memberOf(id, registrationId, place, seenAt, info, presence)
}

/** A session as Redis holds it. Undefined for anything else. */
export function readSession (text: string): string | undefined {
  const session = jsonOf(text)
  return typeof session === 'string' ? session : undefined
}

function memberOf (
  id: string,
  registrationId: string | undefined,
  placeText: string | undefined,
  seenAtText: string | undefined,
  infoText = '',
  presence = registrationId
): Stored | undefined {
  const [place, seenAt, info] = [numberOf(placeText), numberOf(seenAtText), jsonOf(infoText)]
  if (registrationId === undefined || presence === undefined) return undefined
  if (place === undefined || seenAt === undefined || !isInfo(info)) return undefined
  return { id, registrationId, presence, place, seenAt, info }
}

function isInfo (value: unknown): value is PeerInfo {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((entry) => typeof entry === 'string')
}

function endingOf (value: unknown): CloseRequest | undefined {
  const { code, reason, by } = Object(value) as Record<string, unknown>
  if (!mayClose(code) || typeof reason !== 'string' || Buffer.byteLength(reason) > maxReasonBytes) return undefined
  if (by === undefined) return { code, reason }
  return typeof by === 'string' ? { code, reason, by } : undefined
}

/** Undefined for what is no number, and for what no number of ours is. */
function numberOf (text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function jsonOf (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
