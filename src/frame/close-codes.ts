/**
 * Every code Signalbox closes a socket with. 1008, 1009 and 40xx are final; 1001, 1013 and 41xx tell the client that
 * connecting again is right.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4
 */
export const closeCodes = {
  /** The server drains. */
  goingAway: 1001,
  /** Policy: refused or abusive. */
  policy: 1008,
  /** A frame larger than `MAX_PAYLOAD`. */
  tooBig: 1009,
  /** Capacity: try again later. */
  tryAgainLater: 1013,
  /** A newer connection holds the id. */
  replaced: 4000,
  /** The room expired. */
  roomExpired: 4001,
  /** More than `MAX_BUFFERED` bytes wait for this socket. */
  slowConsumer: 4100,
  /** Silent for too long. */
  timeout: 4101,
  /** The token expired. */
  tokenExpired: 4102
} as const

/** A code with which Signalbox closes a WebSocket. */
export type CloseCode = typeof closeCodes[keyof typeof closeCodes]

/** The reason sent along with a code, at most 123 bytes as the protocol allows. */
export const closeReasons: Readonly<Record<CloseCode, string>> = {
  1001: 'Server going away',
  1008: 'Policy violation',
  1009: 'Frame too large',
  1013: 'Try again later',
  4000: 'Replaced by a newer connection',
  4001: 'Room expired',
  4100: 'Slow consumer',
  4101: 'Timeout',
  4102: 'Token expired'
}

/** The reason for which a socket without a good token is closed with 1008. */
export const unauthorized = 'Unauthorized'

/** The sentence, in every dialect, for what a token does not allow. */
export const notAllowed = 'not allowed'

const maxQuoted = 128

/** Input as it may stand in an error: a string, at most 128 characters of it. */
export function quote (input: unknown): string {
  return String(typeof input === 'object' && input !== null ? '[object]' : input).slice(0, maxQuoted)
}
