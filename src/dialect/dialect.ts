import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Connection } from './connection.js'
import type { MaybePromise } from '../timing/maybe-promise.js'
import type { Received } from '../frame/parse.js'
import { LabelCounter } from '../telemetry/counter.js'
import type { FrameLike } from '../frame/bytes.js'

/** The frames a dialect takes, by `type`. */
export type FrameSchemas = Readonly<Record<string, TObject>>

/**
 * One entry for each frame type. A handler gets the peer that `open` made, the checked frame, and the frame as it came,
 * whose bytes a relay need not serialise again. What it throws is that frame's error, and never more.
 */
export type Handlers<Frames extends FrameSchemas, Peer> = {
  readonly [Type in keyof Frames]: (peer: Peer, frame: Static<Frames[Type]>, received: Received) => MaybePromise<void>
}

/** One wire protocol: what it understands, and how it says no. */
export interface Dialect<Frames extends FrameSchemas, Peer> {
  /** Also the first part of the names of its rooms. */
  readonly name: string
  readonly frames: Frames
  readonly handlers: Handlers<Frames, Peer>
  readonly errors: DialectErrors
  readonly liveness?: Liveness
  /**
   * What a client hears before its socket is closed with 1008, for want of a good token or of one that allows what it asks:
   * for dialects in which that ends a connection. Absent, the former hears nothing, and the latter `not allowed`.
   */
  readonly unauthorized?: FrameLike
  /**
   * Begins a connection. Frames that come before it is done wait for it. Answers undefined when it closed the connection
   * instead.
   */
  readonly open: (connection: Connection, handshake: Handshake) => MaybePromise<Peer | undefined>
  /** Called once after a connection has ended and left its rooms, with the peer that `open` made. Rooms need no `close`. */
  readonly close?: (peer: Peer) => MaybePromise<unknown>
}

/** How a dialect refuses, in its own form. Sentences hold no input but what `quote` made short. */
export interface DialectErrors {
  /** The error frame. `details` is what this dialect puts beside the sentence, if anything. */
  readonly frame: (sentence: string, details: string | undefined) => FrameLike
  readonly notJson: string
  /** `type` is whatever the frame holds there. */
  readonly unknownType: (type: unknown) => string
  /** A frame of a known type that does not fit its schema. */
  readonly malformed: (type: string) => string
  /** Something broke here. */
  readonly internal: string
}

/** When a dialect's sockets count as dead, beyond the server's own pings. In ms. */
export interface Liveness {
  /** Longest time without a frame or a pong. */
  readonly maxSilenceMs?: number
  /** Longest time without a frame, whatever pongs come. */
  readonly maxFrameGapMs?: number
}

/** What the upgrade request said. */
export interface Handshake {
  readonly query: Readonly<Record<string, string>>
}

/** A dialect ready to be spoken: its schemas compiled, its types sealed. */
export interface CompiledDialect {
  readonly name: string
  readonly errors: DialectErrors
  readonly liveness: Liveness
  readonly unauthorized: FrameLike | undefined
  readonly open: (connection: Connection, handshake: Handshake) => MaybePromise<unknown>
  readonly close: ((peer: unknown) => MaybePromise<unknown>) | undefined
  readonly frames: ReadonlyMap<string, CompiledFrame>
  readonly traffic: Traffic
}

/** What its connections have done since the start. */
export interface Traffic {
  /** Frames that were handed to sockets, by type. */
  readonly sent: LabelCounter
  /** Errors that clients were told, by sentence. */
  readonly errors: LabelCounter
  registrations: number
}

export interface CompiledFrame {
  /** How many were understood. */
  received: number
  readonly fits: (frame: unknown) => boolean
  readonly handle: (peer: unknown, frame: unknown, received: Received) => MaybePromise<void>
}

/** A dialect, or how to choose one by the first frame. The choice is asked again, three times, while it answers undefined. */
export type DialectSource = CompiledDialect | Chooser

export interface Chooser {
  readonly choose: (frame: unknown) => CompiledDialect | undefined
  readonly unknown: FrameLike
}

/** Compiles a dialect, once for all its connections. Throws when a frame type has no handler. */
export function compileDialect<Frames extends FrameSchemas, Peer> (dialect: Dialect<Frames, Peer>): CompiledDialect {
  const frames = new Map<string, CompiledFrame>()
  for (const [type, schema] of Object.entries(dialect.frames)) {
    const check = TypeCompiler.Compile<TSchema>(schema)
    const handle = dialect.handlers[type]
    if (handle === undefined) throw new TypeError(`Dialect ${dialect.name} has no handler for ${type}`)
    // A map of frames cannot say which type goes with which handler. The connection hands each handler only what `fits`
    // let through, and only the peer that this dialect's `open` made.
    frames.set(type, { received: 0, fits: (frame) => check.Check(frame), handle: handle as CompiledFrame['handle'] })
  }
  const { name, errors, liveness = {}, unauthorized, open } = dialect
  const traffic = { sent: new LabelCounter(), errors: new LabelCounter(), registrations: 0 }
  return { name, errors, liveness, unauthorized, open, close: dialect.close as CompiledDialect['close'], frames, traffic }
}
