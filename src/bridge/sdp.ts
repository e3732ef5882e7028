import type { Candidate, CallKind } from '../dialect/bridging.js'

/** Of how many m-lines the names are known, and of how many characters. A call is remembered, whoever made its description. */
const mostMids = 64

/** The names of a description's m-lines, in their order. One without a name has ''. */
export function midsOf (sdp: string): string[] {
  return sectionsOf(sdp).slice(0, mostMids).map((section) => /^a=mid:(\S{1,64})\s/m.exec(section)?.[1] ?? '')
}

/** A description whose only m-line is `application` is of a data call, any other of a media call. */
export function kindOf (sdp: string): CallKind {
  const sections = sectionsOf(sdp)
  return sections.length === 1 && sections[0]?.startsWith('application ') === true ? 'data' : 'media'
}

/** A candidate that names its m-line in both ways. Browsers need one of them, and not every dialect has the same one. */
export function complete (candidate: Candidate, mids: readonly string[]): Candidate {
  const mid = candidate.mid === '' ? undefined : candidate.mid
  const given = candidate.index !== undefined && candidate.index >= 0 ? candidate.index : undefined
  const index = given ?? Math.max(0, mid === undefined ? 0 : mids.indexOf(mid))
  const named = mid ?? mids[index]
  return { ...candidate, index, mid: named === '' ? undefined : named }
}

function sectionsOf (sdp: string): string[] {
  return sdp.split(/^m=/m).slice(1)
}
