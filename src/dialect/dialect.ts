import type { IncomingHttpHeaders } from 'node:http'
import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Bridging, CallClient } from './bridging.js'
import type { Connection } from './connection.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { JsonObject, Received } from '../frame/parse.js'
import { LabelCounter } from '../telemetry/counter.js'
import { type Frame, type FrameLike, frameOf } from '../frame/bytes.js'
import { checkClose } from '../frame/close-codes.js'

/** Frames of a dialect, by type. With `typeOf` a frame that it takes may be any JSON value, else it is an object. */
export type FrameSchemas = Readonly<Record<string, TSchema>>

/**
 * One entry for each frame type. A handler gets the client's state, the checked frame, and the frame as received, whose bytes a relay
 * need not serialise again. A promise that it returns is waited for before the next frame; what it gives is ignored. An error that it
 * throws is answered as an internal error of that frame alone.
 */
export type Handlers<Frames extends FrameSchemas, ClientState> = {
  readonly [Type in keyof Frames]: (client: ClientState, frame: Static<Frames[Type]>, received: Received) => MaybePromise<unknown>
}

/** One wire protocol: the frames that it understands, and how it refuses. `ClientState` is what it keeps for each connection. */
export interface Dialect<Frames extends FrameSchemas, ClientState> {
  /** Also the first part of the names of its rooms. */
  readonly name: string
  readonly frames: Frames
  /** The frames that its clients get, for `/asyncapi.json`. They are not checked against it. */
  readonly sends?: FrameSchemas
  readonly handlers: Handlers<Frames, ClientState>
  readonly errors: DialectErrors
  /**
   * Finds the type of a frame, for protocols that do not have it in the member `type`, or whose frames are not all objects. Gets any JSON
   * value: also text, a number or null, as a client may send anything. Undefined where it finds none. By default frames are objects,
   * and their type is the text in `type`; anything else is answered with `errors.notJson`.
   */
  readonly typeOf?: (frame: unknown) => string | undefined
  /**
   * The subprotocols that it speaks. Of those that a client offers, the first of these is chosen, before `signalbox.jwt`; no other ever
   * is. By default the first one offered is chosen, unless it is a token.
   */
  readonly protocols?: readonly string[]
  readonly liveness?: Liveness
  readonly ping?: Ping
  /** How its peers call those of other dialects, where `BRIDGE` allows that. Absent: they cannot. */
  readonly bridging?: Bridging
  /**
   * Names of what `connection.count` counts for the metrics: lower case letters, digits and underscores, such as `offers_kept`. All are
   * shown from the start.
   */
  readonly counters?: readonly string[]
  /**
   * The frame that a client gets before its socket is closed with 1008, because its token is invalid or does not allow a request.
   * Without it an invalid token is closed without a frame, and a request that is not allowed is refused with `not allowed`.
   */
  readonly unauthorized?: FrameLike
  /**
   * Finds the token in a client's first frame, for protocols that have a place for it there. A client that has none in its handshake is let
   * in, and `open` is called once that frame has come, with a good token, within 5 s. Then the frame is handled like any other. By default
   * the token must be in the handshake.
   */
  readonly tokenIn?: (frame: JsonObject) => unknown
  /**
   * Begins a connection and makes the client's state, or answers undefined if it closed the connection. Frames wait until it is
   * done.
   */
  readonly open: (connection: Connection, handshake: Handshake) => MaybePromise<ClientState | undefined>
  /** Called once after a connection has ended and left its rooms. Leaving rooms needs no `close`. */
  readonly close?: (client: ClientState) => MaybePromise<unknown>
}

/** A protocol whose clients have no socket: what they ask comes to routes of its own. */
export interface SocketlessDialect {
  /** Also the first part of the names of its rooms. */
  readonly name: string
  /** How its peers call those of other dialects, where `BRIDGE` allows that. */
  readonly bridging?: Bridging<CallClient>
  /** See `Dialect.counters`. */
  readonly counters?: readonly string[]
}

/** How a dialect refuses, in its own form. A sentence quotes input only as `quote` shortens it. */
export interface DialectErrors {
  /** The error frame. `details` is what this dialect adds to the sentence, if anything. */
  readonly frame: (sentence: string, details: string | undefined) => FrameLike
  readonly notJson: string
  /** `type` is any value, as the frame holds it; with `typeOf`, what that found. A frame for which it is undefined is ignored. */
  readonly unknownType: (type: unknown) => string | undefined
  /** A frame of a known type that does not fit its schema. */
  readonly malformed: (type: string) => string
  /** The server failed. */
  readonly internal: string
  /**
   * The close code with which an error of this kind ends the connection, after its frame; undefined where the connection stays, as it
   * always does by default. Asked once for each kind, when the dialect is compiled.
   */
  readonly closes?: (kind: ErrorKind) => number | undefined
}

const errorKinds = ['notJson', 'unknownType', 'malformed', 'refused', 'internal'] as const

/** What an error is about: a frame that is not taken, what a handler refused (`refused`, also by `deny`), or a failure of the server. */
export type ErrorKind = typeof errorKinds[number]

/** When a dialect's sockets count as dead, beyond the server's own pings. In ms. */
export interface Liveness {
  /** Longest time without a frame or a pong. */
  readonly maxSilenceMs?: number
  /** Longest time without a frame, whatever pongs come. */
  readonly maxFrameGapMs?: number
}

/**
 * A frame that the server sends to every client again and again, for protocols in which the server pings. Any frame of the client answers
 * it: with `liveness.maxFrameGapMs`, longer than `everyMs`, a client that sends none is closed with 4101.
 */
export interface Ping {
  readonly frame: FrameLike
  /** ms between two pings, and before the first, once `open` is done. */
  readonly everyMs: number
}

/** The upgrade request. Only `open` gets it: what is needed later is to be kept in the client's state. */
export interface Handshake {
  /** One value for each name, the last one. What is not valid UTF-8 is left out. */
  readonly query: Readonly<Record<string, string>>
  /** The parameters in the path of the route, decoded: `room` for `/:room`. */
  readonly params: Readonly<Record<string, string>>
  /** By name in lower case. Without `authorization` and `sec-websocket-protocol`, which may hold a token. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The subprotocol that was chosen; '' for none. */
  readonly protocol: string
}

/** A dialect with its schemas compiled and its type parameters erased. */
export interface CompiledDialect {
  readonly name: string
  readonly errors: DialectErrors
  /** The close codes of errors that end the connection. */
  readonly closes: ReadonlyMap<ErrorKind, number>
  /** Undefined where `type` is the type. */
  readonly typeOf: ((frame: unknown) => string | undefined) | undefined
  readonly protocols: readonly string[] | undefined
  readonly liveness: Liveness
  readonly ping: (Ping & { readonly frame: Frame }) | undefined
  readonly bridging: Bridging<CallClient> | undefined
  readonly unauthorized: FrameLike | undefined
  readonly tokenIn: ((frame: JsonObject) => unknown) | undefined
  readonly open: (connection: Connection, handshake: Handshake) => MaybePromise<unknown>
  readonly close: ((client: unknown) => MaybePromise<unknown>) | undefined
  readonly frames: ReadonlyMap<string, CompiledFrame>
  readonly sends: FrameSchemas
  /** Of its routes, in their order, as Fastify writes them: with the prefix, and `:name` for a parameter. */
  readonly paths: Set<string>
  readonly traffic: Traffic
  /** Counts one of its own events. @throws TypeError for a name that is not in its `counters` */
  readonly count: (event: string) => void
}

/** A dialect that has been added, as far as its clients over HTTP need it. */
export type HttpDialect = Pick<CompiledDialect, 'name' | 'paths' | 'traffic' | 'count'>

/** Counts over all its connections since the start. */
export interface Traffic {
  /** Frames that were handed to sockets, by type. */
  readonly sent: LabelCounter
  /** Errors that clients were told, by sentence. */
  readonly errors: LabelCounter
  /** The dialect's own events, by the names in its `counters`. */
  readonly events: Map<string, number>
  registrations: number
}

export interface CompiledFrame {
  /** Frames of this type that fit the schema. */
  received: number
  readonly schema: TSchema
  readonly fits: (frame: unknown) => boolean
  readonly handle: (client: unknown, frame: unknown, received: Received) => MaybePromise<unknown>
}

/** A dialect, or how to choose one by the first frame. The third frame for which `choose` answers undefined ends the connection. */
export type DialectSource = CompiledDialect | Chooser

export interface Chooser {
  readonly choose: (frame: unknown) => CompiledDialect | undefined
  /**
   * The answer to a frame that only keeps the socket alive: it chooses nothing and is not counted. Undefined for any other frame. Gets the
   * bytes, too, as such a frame need not be JSON.
   */
  readonly answerPing: (frame: unknown, bytes: Buffer) => FrameLike | undefined
  readonly unknown: FrameLike
}

/** Two dialects of one name would share rooms and counters. A further route of the same dialect takes `app.speakAs`. */
export class TakenNameError extends TypeError {
  constructor (name: string) {
    super(`There is a dialect named ${name} already`)
  }
}

/**
 * Compiles a dialect, once for all its connections.
 *
 * @throws TypeError when a frame type has no handler, and for the name of a counter that no metric can have; RangeError for a close code
 * that a dialect may not use
 */
export function compileDialect<Frames extends FrameSchemas, ClientState> (dialect: Dialect<Frames, ClientState>): CompiledDialect {
  const frames = new Map<string, CompiledFrame>()
  for (const [type, schema] of Object.entries(dialect.frames)) {
    const check = TypeCompiler.Compile(schema)
    const handle = dialect.handlers[type]
    if (handle === undefined) throw new TypeError(`Dialect ${dialect.name} has no handler for ${type}`)
    // The cast is safe: the connection calls a handler only with frames that fit, and with the state that `open` made.
    frames.set(type, { received: 0, schema, fits: (frame) => check.Check(frame), handle: handle as CompiledFrame['handle'] })
  }
  const { name, errors, typeOf, protocols, liveness = {}, bridging, unauthorized, tokenIn, open, sends = {} } = dialect
  const events = eventsOf(dialect)
  const traffic = { sent: new LabelCounter(), errors: new LabelCounter(), events, registrations: 0 }
  const count = (event: string): void => {
    const soFar = events.get(event)
    if (soFar === undefined) throw new TypeError(`Dialect ${name} has no counter ${event}`)
    events.set(event, soFar + 1)
  }
  const close = dialect.close as CompiledDialect['close']
  const ping = dialect.ping && { ...dialect.ping, frame: frameOf(dialect.ping.frame) }
  const closes = closesOf(errors)
  // The cast is safe: the bridge gives a dialect only the clients of its own peers.
  const calls = bridging as Bridging<CallClient> | undefined
  const form = { name, errors, closes, typeOf, protocols, liveness, ping, bridging: calls, unauthorized, tokenIn }
  return { ...form, open, close, frames, sends, paths: new Set(), traffic, count }
}

/**
 * The same of a dialect without sockets: it has no frames.
 *
 * @throws TypeError for the name of a counter that no metric can have
 */
export function compileSocketless ({ name, bridging, counters = [] }: SocketlessDialect): CompiledDialect {
  const errors = { frame: (sentence: string) => sentence, notJson: '', unknownType: () => '', malformed: () => '', internal: '' }
  const open = (): undefined => {}
  return compileDialect({ name, frames: {}, errors, handlers: {}, counters, open, ...(bridging !== undefined && { bridging }) })
}

function eventsOf ({ name, counters = [] }: { readonly name: string, readonly counters?: readonly string[] }): Map<string, number> {
  for (const counter of counters) {
    if (!/^[a-z][a-z0-9_]*$/.test(counter)) throw new TypeError(`Dialect ${name} has a counter with a bad name: ${counter}`)
  }
  return new Map(counters.map((counter) => [counter, 0]))
}

function closesOf ({ closes = () => undefined }: DialectErrors): ReadonlyMap<ErrorKind, number> {
  const codes = new Map<ErrorKind, number>()
  for (const kind of errorKinds) {
    const code = closes(kind)
    if (code === undefined) continue
    checkClose(code, '')
    codes.set(kind, code)
  }
  return codes
}
