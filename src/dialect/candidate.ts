import type { JsonObject } from '../frame/parse.js'
import type { Signal } from './bridging.js'

/**
 * What a candidate says that is written as browsers do. Nothing, and an empty one, stand for the end of candidates. Undefined for what is
 * no candidate.
 *
 * @see https://www.w3.org/TR/webrtc/#dom-rtcicecandidateinit
 */
export function candidateIn (given: unknown): Signal | undefined {
  if (given === undefined || given === null) return { kind: 'end' }
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = membersOf(given)
  if (candidate === '') return { kind: 'end' }
  if (typeof candidate !== 'string') return undefined
  return {
    kind: 'candidate',
    candidate,
    ...(typeof sdpMid === 'string' && { mid: sdpMid }),
    ...(typeof sdpMLineIndex === 'number' && { index: sdpMLineIndex }),
    ...(typeof usernameFragment === 'string' && { usernameFragment })
  }
}

/** The members of an object; of anything else there are none. */
export function membersOf (value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? value as JsonObject : {}
}
