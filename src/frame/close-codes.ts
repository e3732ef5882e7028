/**
 * Every code Signalbox closes a socket with. 1000, 1008, 1009 and 40xx are final; 1001, 1013 and 41xx tell the client that
 * connecting again is right. A dialect may have further codes of its own, see `checkClose`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4
 */
export const closeCodes = {
  /** Done: what a dialect ends a connection with that has served its purpose. */
  normal: 1000,
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

/** The reason sent along with a code. */
export const closeReasons: Readonly<Record<CloseCode, string>> = {
  1000: 'Normal closure',
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

/** The code that stands for an end without a close frame: a reset, a crash, a network that is gone. It is never sent. */
export const abnormalCode = 1006

/** Whether nobody meant a connection to end that the server closes with this code: its client will come back. */
export function isUnmeant (code: number): boolean {
  return code === closeCodes.goingAway || code === closeCodes.timeout
}

const knownCodes: ReadonlySet<number> = new Set(Object.values(closeCodes))

/** Whether the code is one of `closeCodes`. */
export function isKnown (code: number): code is CloseCode {
  return knownCodes.has(code)
}

/** The reason for a code, where none is given: none for a dialect's own. */
export function reasonOf (code: number): string {
  return isKnown(code) ? closeReasons[code] : ''
}

const maxReasonBytes = 123

/** Whether a connection may be closed with the code: it is one of `closeCodes`, or a dialect's own. */
export function mayClose (code: unknown): code is number {
  return typeof code === 'number' && (isKnown(code) || (Number.isInteger(code) && code >= 3000 && code <= 4999))
}

/**
 * Checks how a connection is to be closed.
 *
 * @throws RangeError for a code that is neither in `closeCodes` nor a dialect's own, from 3000 to 4999; and for a reason of more than
 * 123 bytes, which is what the protocol allows
 */
export function checkClose (code: number, reason: string): void {
  if (!mayClose(code)) {
    throw new RangeError(`A connection cannot be closed with ${code}: take one of closeCodes, or 3000 to 4999`)
  }
  if (Buffer.byteLength(reason) > maxReasonBytes) throw new RangeError(`The reason of a close has at most ${maxReasonBytes} bytes`)
}

/** The reason for which a socket without a good token is closed with 1008. */
export const unauthorized = 'Unauthorized'

/** The same for one that has sent more than `MESSAGE_RATE` for minutes. */
export const tooManyFrames = 'Too many frames'

/** The same for one at the bare root whose frames are of no dialect. */
export const unknownDialect = 'Unknown dialect'

/** The sentence, in every dialect, for what a token does not allow. */
export const notAllowed = 'not allowed'

const maxQuoted = 128

/** Input as it may stand in an error: a string, at most 128 characters of it. */
export function quote (input: unknown): string {
  return String(typeof input === 'object' && input !== null ? '[object]' : input).slice(0, maxQuoted)
}
