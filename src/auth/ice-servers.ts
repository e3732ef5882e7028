import { createHash, createHmac } from 'node:crypto'
import type { Config } from '../config/schema.js'

/** What a browser's `RTCPeerConnection` takes as one of its `iceServers`. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
}

export interface IceServers {
  iceServers: IceServer[]
  /** Seconds for which they are good. */
  ttl: number
}

/** Past that a name is hashed: STUN allows 508 bytes, of which the expiry takes some. */
const maxNameBytes = 256

/**
 * The ICE servers of the settings, with a credential made for `subject` that ends after `TURN_TTL`, and not after
 * `expiresAt`. Times are in ms since the epoch.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
 */
export function iceServersFor (subject: string, expiresAt: number, now: number, { STUN_URLS, TURN_URLS, TURN_SECRET, TURN_TTL }: Config): IceServers {
  const expiry = Math.min(Math.ceil(now / 1000) + TURN_TTL, Math.floor(expiresAt / 1000))
  const iceServers: IceServer[] = []
  if (STUN_URLS.length > 0) iceServers.push({ urls: STUN_URLS })
  if (TURN_URLS.length > 0 && TURN_SECRET !== undefined) {
    const username = `${expiry}:${nameOf(subject)}`
    iceServers.push({ urls: TURN_URLS, username, credential: createHmac('sha1', TURN_SECRET).update(username).digest('base64') })
  }
  return { iceServers, ttl: Math.max(0, Math.floor(expiry - now / 1000)) }
}

/**
 * A subject as a TURN server takes it for a user: itself, or the SHA-256 of what coturn would refuse. That is what has blanks,
 * quotes, backslashes, or both words of a certain SQL injection. A `:` does no harm, since the expiry ends at the first.
 *
 * @see https://github.com/coturn/coturn/blob/4.6.1/src/apps/relay/ns_ioalib_engine_impl.c is_secure_string
 */
function nameOf (subject: string): string {
  const isTaken = subject.length <= maxNameBytes && /^[!-~]+$/.test(subject) && !/['"\\]|union.*select|select.*union/i.test(subject)
  return isTaken ? subject : createHash('sha256').update(subject).digest('hex')
}
