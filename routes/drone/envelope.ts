import type { Static } from '@sinclair/typebox'
import { Frame, passedOn, type PlainForm, type Received } from '../../src/kit.js'
import type { frames } from './schema.js'

export type Signal = Static<typeof frames.offer | typeof frames.answer | typeof frames.ice>

/** What the server puts around a payload. */
export interface Envelope {
  readonly from: string
  readonly session: string | undefined
  /** ISO 8601. */
  readonly timestamp: string
}

interface PlainForms {
  readonly alone: PlainForm
  readonly inSession: PlainForm
}

/** How clients write a signal, by the name of its payload. */
const plainForms = { sdp: plainFormsOf('sdp'), candidate: plainFormsOf('candidate') }

function plainFormsOf (payload: string): PlainForms {
  const alone: PlainForm = { first: ['type', 'target'], next: payload, members: 3 }
  return { alone, inSession: { ...alone, last: 'sessionId', members: 4 } }
}

/** The signal as its receiver gets it: the payload in the server's envelope. */
export function forwarded (signal: Signal, received: Received, envelope: Envelope): Frame {
  const { type, target, sessionId } = signal
  // In the bytes an integer is no text.
  if (typeof target !== 'string' || typeof sessionId === 'number') return composed(signal, envelope)
  const { from, session, timestamp } = envelope
  const payload = type === 'ice' ? 'candidate' : 'sdp'
  const form = plainForms[payload][typeof sessionId === 'string' ? 'inSession' : 'alone']
  const head = `{"type":"${type}","from":${JSON.stringify(from)},"${payload}":`
  const tail = `${session === undefined ? '' : `,"sessionId":${JSON.stringify(session)}`},"timestamp":"${timestamp}"}`
  return passedOn(received, signal, form, tail, head) ?? composed(signal, envelope)
}

/** The slow path to the same frame. */
function composed (signal: Signal, { from, session, timestamp }: Envelope): Frame {
  const payload = signal.type === 'ice' ? { candidate: signal.candidate ?? null } : { sdp: signal.sdp }
  const named = session === undefined ? {} : { sessionId: session }
  return new Frame(signal.type, JSON.stringify({ type: signal.type, from, ...payload, ...named, timestamp }))
}
