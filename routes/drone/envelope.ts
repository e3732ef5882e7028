import type { Static } from '@sinclair/typebox'
import { Frame } from '../../src/frame/bytes.js'
import type { Received } from '../../src/frame/parse.js'
import { passedOn } from '../../src/frame/pass-on.js'
import type { frames } from './schema.js'

export type Signal = Static<typeof frames.offer | typeof frames.answer | typeof frames.ice>

/** What the server puts around a payload. */
export interface Envelope {
  readonly from: string
  readonly session: string | undefined
  /** ISO 8601. */
  readonly timestamp: string
}

/** The signal as its receiver gets it: the payload in the server's envelope. */
export function forwarded (signal: Signal, received: Received, envelope: Envelope): Frame {
  const { type, target = '', sessionId } = signal
  const { from, session, timestamp } = envelope
  const payload = type === 'ice' ? 'candidate' : 'sdp'
  const last = typeof sessionId === 'string' ? ['sessionId', sessionId] as const : undefined
  const named = session === undefined ? '' : `,"sessionId":${JSON.stringify(session)}`
  return passedOn(received, signal, {
    type,
    first: ['type', type, 'target', target, payload],
    members: last === undefined ? 3 : 4,
    last,
    head: `{"type":"${type}","from":${JSON.stringify(from)},"${payload}":`,
    tail: `${named},"timestamp":"${timestamp}"}`
  }) ?? composed(signal, envelope)
}

/** The slow path to the same frame. */
function composed (signal: Signal, { from, session, timestamp }: Envelope): Frame {
  const payload = signal.type === 'ice' ? { candidate: signal.candidate } : { sdp: signal.sdp }
  const named = session === undefined ? {} : { sessionId: session }
  return new Frame(signal.type, JSON.stringify({ type: signal.type, from, ...payload, ...named, timestamp }))
}
