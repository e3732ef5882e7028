import type { Wire } from '../../src/state/contract.js'
import { between, holds } from '../../src/wire.js'

interface Received {
  readonly type: string
  readonly target?: string
  readonly sessionId?: string | null
  readonly sdp?: unknown
  readonly candidate?: unknown
}

/** What the server puts around a payload. */
interface Stamp {
  readonly from: string
  readonly session: string | undefined
  /** ISO 8601. */
  readonly timestamp: string
}

/**
 * The frame that a target gets: the payload under its name, in the server's envelope. Of a frame that holds nothing else, in the
 * order in which clients write it, the payload's bytes are taken as they are.
 */
export function enveloped (received: Received, name: 'sdp' | 'candidate', raw: Buffer, stamp: Stamp): Wire {
  const { type, target, sessionId } = received
  const head = `{"type":"${type}","target":"${target}","${name}":`
  const tail = sessionId === undefined ? '}' : `,"sessionId":"${sessionId}"}`
  const to = raw.length - tail.length
  const hasOnlyThese = Object.keys(received).length === (sessionId === undefined ? 3 : 4)
  if (!hasOnlyThese || !holds(raw, head) || !holds(raw, tail, to)) return composed(received, name, stamp)
  const { from, session, timestamp } = stamp
  const named = session === undefined ? '' : `,"sessionId":${JSON.stringify(session)}`
  return between(`{"type":"${type}","from":${JSON.stringify(from)},"${name}":`, raw, head.length, to, `${named},"timestamp":"${timestamp}"}`)
}

/** The general way to the same frame. */
export function composed (received: Received, name: 'sdp' | 'candidate', { from, session, timestamp }: Stamp): string {
  return JSON.stringify({ type: received.type, from, [name]: received[name], ...(session !== undefined && { sessionId: session }), timestamp })
}
