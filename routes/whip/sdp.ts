import type { Candidate, Signal } from '../../src/kit.js'

/** Candidates of one fragment or answer: more than any browser has. */
export const mostCandidates = 256

/** A part of a fragment, or of a description: what comes before the first m-line, or an m-line with its attributes. */
type Section = string

/** Whether a text is a session description, as far as a relay can tell. */
export function isDescription (text: string): boolean {
  return /^v=0\r?\n/.test(text) && /^m=/m.test(text)
}

/** Whether a description has a media direction, such as `recvonly`. */
export function hasDirection (sdp: string, direction: 'recvonly' | 'sendonly'): boolean {
  return new RegExp(`^a=${direction}\\s*$`, 'm').test(sdp)
}

/** Names the ICE session, with the password: a restart changes both. */
export function ufragOf (text: string): string | undefined {
  return attribute(text, 'ice-ufrag')
}

/**
 * What a fragment adds to an offer. Undefined for what is none, or has too many candidates.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8840#section-9
 */
export function readFragment (text: string): Signal[] | undefined {
  if (text.split(/\r?\n/).some((line) => line !== '' && !/^[a-z]=/.test(line))) return undefined
  const [session, ...media] = sectionsOf(text)
  const signals: Signal[] = []
  for (const [at, section] of media.length === 0 ? [[0, session] as const] : media.entries()) {
    const mid = attribute(section, 'mid')
    const usernameFragment = ufragOf(section) ?? ufragOf(session)
    const place = mid === undefined ? { index: at } : { mid }
    for (const line of candidatesIn(section)) {
      signals.push({ kind: 'candidate', candidate: line.slice(2), ...place, ...(usernameFragment !== undefined && { usernameFragment }) })
    }
  }
  if (signals.length > mostCandidates) return undefined
  if (isComplete(text)) signals.push({ kind: 'end' })
  return signals
}

/** Whether a description, or a fragment, says that no more candidates will come. */
export function isComplete (text: string): boolean {
  return /^a=end-of-candidates\s*$/m.test(text)
}

/**
 * An answer together with the candidates that came after it. Nothing else in it changes. Bundled m-lines share the transport of the first
 * one in their group, which has the candidates of all.
 */
export function fold (sdp: string, candidates: readonly Candidate[]): string {
  const end = sdp.includes('\r\n') ? '\r\n' : '\n'
  const [session, ...media] = sectionsOf(sdp)
  const mids = media.map((section) => attribute(section, 'mid'))
  const bundle = attribute(session, 'group:BUNDLE', ' ')?.split(' ') ?? []
  const first = Math.max(0, mids.indexOf(bundle[0]))
  const lines = media.map((section) => new Set(candidatesIn(section)))
  for (const { candidate, mid, index = 0 } of candidates) {
    const line = candidate.startsWith('a=') ? candidate : `a=${candidate}`
    if (!/^a=candidate:[^\r\n]+$/.test(line)) continue
    const named = mid === undefined ? -1 : mids.indexOf(mid)
    const at = named >= 0 ? named : index
    const isBundled = lines[at] === undefined || bundle.includes(mids[at] ?? '')
    lines[isBundled ? first : at]?.add(line)
  }
  const folded = media.map((section, at) => {
    const own = candidatesIn(section)
    const added = [...lines[at] ?? []].filter((line) => !own.includes(line))
    const isLast = !isComplete(section) && (lines[at]?.size !== 0 || (at === first && lines.every(({ size }) => size === 0)))
    if (isLast) added.push('a=end-of-candidates')
    if (added.length === 0) return section
    return `${section}${section.endsWith('\n') ? '' : end}${added.join(end)}${end}`
  })
  return session + folded.join('')
}

function sectionsOf (text: string): [session: Section, ...media: Section[]] {
  const [session = '', ...media] = text.split(/^(?=m=)/m)
  return session.startsWith('m=') ? ['', session, ...media] : [session, ...media]
}

function candidatesIn (section: Section): string[] {
  return section.match(/^a=candidate:[^\r\n]+/gm) ?? []
}

/** The value of an attribute, without blanks at its end. In linear time, whatever the blanks: the text is a stranger's. */
function attribute (section: Section, name: string, after = ':'): string | undefined {
  return new RegExp(`^a=${name}${after}([^\\r\\n]{1,512})\\r?$`, 'm').exec(section)?.[1]?.trimEnd()
}
