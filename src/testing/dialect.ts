/** A frame, parsed or still to be serialised. */
export type Frame = Record<string, unknown>

/** A signal as its receiver gets it. */
export interface Received {
  /** Undefined where the dialect does not say. */
  sender: string | undefined
  load: unknown
}

/** What the server assigns in its welcome, where clients do not choose it. */
export interface Assigned {
  id?: string
  place?: string
}

/** What a signal belongs to, for dialects whose frames name it. */
export interface Context {
  place?: string | undefined
  /** A drone session. Without one the server opens a session with the offer. */
  session?: string | undefined
}

/**
 * The client's side of one dialect: the frames it writes and how it reads what it gets. Members have the order in which the
 * original client writes them, since the server passes such frames on unchanged.
 */
export interface ClientDialect {
  readonly name: string
  /** False where the server assigns ids and places. */
  readonly takesNames: boolean
  /** Path and query of the handshake. Only PeerJS takes its id and token there. */
  path (id: string, token?: string): string
  /**
   * The frames that make a socket a peer; none where the handshake does. Peers of one place reach each other: a room, a group,
   * a topic. Without a place the dialect's default is used, or a new room is created.
   */
  registration (id: string, place?: string): Frame[]
  /** Defined for the frame that confirms the registration. */
  welcome (frame: Frame, id: string): Assigned | undefined
  /** @param description text or object */
  offer (from: string, to: string, description: unknown, context?: Context): Frame
  /** @param candidate object */
  candidate (from: string, to: string, candidate: unknown, context?: Context): Frame
  /** The load of an offer or candidate; undefined for any other frame. */
  received (frame: Frame): Received | undefined
}
