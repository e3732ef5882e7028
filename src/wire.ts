import type { Wire } from './state/contract.js'

const quoteSign = 34

/**
 * The `type` of a frame, where it is the first thing in it, as JavaScript writes it or as Python does: so does every dialect.
 * Of a frame that is passed on as some client wrote it, it may stand elsewhere: then undefined.
 */
export function typeOf (frame: Wire): string | undefined {
  const start = typeof frame === 'string' ? frame.slice(0, 10) : frame.toString('latin1', 0, 10)
  if (!start.startsWith('{"type":')) return undefined
  const from = start.charCodeAt(8) === quoteSign ? 9 : 10
  if (start.charCodeAt(from - 1) !== quoteSign) return undefined
  return typeof frame === 'string' ? frame.slice(from, frame.indexOf('"', from)) : frame.toString('latin1', from, frame.indexOf(quoteSign, from))
}
