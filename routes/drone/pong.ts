import type { Clock, Frame } from '../../src/kit.js'
import { encode } from './schema.js'
import { timestamp } from './timestamp.js'

/** The answer to a ping. */
export function pong (clock: Clock): Frame {
  return encode({ type: 'pong', timestamp: timestamp(clock) })
}
