import type { JsonObject, Received } from '../../src/frame/parse.js'
import { endOf, lastMember, restOf } from '../../src/frame/pass-on.js'
import { Frame } from '../../src/frame/bytes.js'

interface Signal extends JsonObject {
  readonly type: string
  readonly target?: string
  readonly sessionId?: string | null
  readonly sdp?: unknown
  readonly candidate?: unknown
}

/** What the server puts around a payload. */
interface Envelope {
  readonly from: string
  readonly session: string | undefined
  /** ISO 8601. */
  readonly timestamp: string
}

/**
 * The frame that a target gets: the payload under its name, in the server's envelope. Of a frame that holds nothing else, in the
 * order in which clients write it, the payload's bytes are taken as they are.
 */
export function enveloped (signal: Signal, name: 'sdp' | 'candidate', received: Received, envelope: Envelope): Frame {
  const { type, target = '', sessionId } = signal
  const hasSession = typeof sessionId === 'string'
  const begin = Object.keys(signal).length === (hasSession ? 4 : 3) ? restOf(received, signal, ['type', type, 'target', target, name]) : -1
  const end = hasSession ? lastMember(received.bytes, 'sessionId', sessionId) : endOf(received.bytes)
  if (begin === -1 || end === -1) return composed(signal, name, envelope)
  const { from, session, timestamp } = envelope
  const named = session === undefined ? '' : `,"sessionId":${JSON.stringify(session)}`
  return Frame.around(type, `{"type":"${type}","from":${JSON.stringify(from)},"${name}":`, received.bytes, begin, end, `${named},"timestamp":"${timestamp}"}`)
}

/** The general way to the same frame. */
function composed (signal: Signal, name: 'sdp' | 'candidate', { from, session, timestamp }: Envelope): Frame {
  return new Frame(signal.type, JSON.stringify({ type: signal.type, from, [name]: signal[name], ...(session !== undefined && { sessionId: session }), timestamp }))
}
