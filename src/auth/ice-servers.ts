import { createHash, createHmac } from 'node:crypto'
import type { Config } from '../config/schema.js'

/** One entry of the `iceServers` of a browser's `RTCPeerConnection`. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
}

/** What a client passes to its `RTCPeerConnection`, and for how long. */
export interface IceServers {
  iceServers: IceServer[]
  /** How long they are valid. In s. */
  ttl: number
}

/** Longer names are hashed: STUN allows 508 bytes, and the expiry takes some of them. */
const maxNameLength = 256

/**
 * The ICE servers in the settings, with a credential for `subject` that expires after `TURN_TTL`, or at `expiresAt` if that is
 * earlier.
 *
 * @param expiresAt in ms since the epoch, as is `now`
 *
 * @see https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
 */
export function iceServersFor (
  subject: string,
  expiresAt: number,
  now: number,
  { STUN_URLS, TURN_URLS, TURN_SECRET, TURN_TTL }: Config
): IceServers {
  const expiry = Math.min(Math.ceil(now / 1000) + TURN_TTL, Math.floor(expiresAt / 1000))
  const iceServers: IceServer[] = []
  if (STUN_URLS.length > 0) iceServers.push({ urls: STUN_URLS })
  if (TURN_URLS.length > 0 && TURN_SECRET !== undefined) {
    const username = `${expiry}:${turnUserOf(subject)}`
    iceServers.push({ urls: TURN_URLS, username, credential: createHmac('sha1', TURN_SECRET).update(username).digest('base64') })
  }
  return { iceServers, ttl: Math.max(0, Math.floor(expiry - now / 1000)) }
}

/**
 * The user name of a subject at a TURN server: the subject itself, or its SHA-256 where coturn would refuse it. coturn refuses blanks,
 * quotes, backslashes, and the two words of a SQL injection. A `:` is harmless, since the expiry ends at the first one.
 *
 * @see https://github.com/coturn/coturn/blob/4.6.1/src/apps/relay/ns_ioalib_engine_impl.c is_secure_string
 */
function turnUserOf (subject: string): string {
  const isAccepted = subject.length <= maxNameLength && /^[!-~]+$/.test(subject) && !/['"\\]|union.*select|select.*union/i.test(subject)
  return isAccepted ? subject : createHash('sha256').update(subject).digest('hex')
}
