import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import { clients } from '../../src/testing/clients.js'

/** What a signal carries: its sender, its number within the pair, when it was sent, and what makes it as long as an SDP. */
export interface Signal {
  from: string
  n: number
  at: number
  sdp: string
}

export interface HonestDialect extends ClientDialect {
  /** How many of a thousand pairs speak it. */
  readonly share: number
}

/**
 * The mix. Every ToM node hears of every other, so their cost grows with their square, and a drone that leaves sends a list
 * to all others: there are few of both. Clients of the other dialects only ever hear of their partner.
 */
export const honestDialects: readonly HonestDialect[] = [
  { ...clients.peerjs, share: 300 },
  { ...clients.psync, share: 300 },
  { ...clients.rooms, share: 225 },
  { ...clients.drone, share: 150 },
  { ...clients.tom, share: 25 }
]

/** The session of two drones, which the first offer opens. */
export function sessionOf (one: string, other: string): string {
  return [one, other].sort().join('+')
}

/** A signal as its sender writes it: a pair begins with an offer, and all that follows are candidates. */
export function signalFrame (dialect: ClientDialect, to: string, signal: Signal): Frame {
  const context = { session: sessionOf(signal.from, to) }
  return signal.n === 0 ? dialect.offer(signal.from, to, signal, context) : dialect.candidate(signal.from, to, signal, context)
}

/** The signal in a frame, if it is one from that peer. */
export function signalIn (dialect: ClientDialect, frame: Frame, from: string): Signal | undefined {
  const { sender, load } = dialect.received(frame) ?? {}
  const signal = load as Signal | undefined
  // Where the server assigns ids, only the signal itself tells.
  return (dialect.takesNames ? sender : signal?.from) === from ? signal : undefined
}

/** How many pairs of each dialect, in the order above: `count` in all. */
export function mixOf (count: number): number[] {
  const mix = honestDialects.map(({ share }) => Math.max(1, Math.round(count * share / 1000)))
  mix[0] = (mix[0] ?? 0) + count - mix.reduce((sum, pairs) => sum + pairs, 0)
  return mix
}

/** The ids of the two clients of a pair. */
export function namesOf ({ name }: HonestDialect, at: number): readonly [string, string] {
  return [`${name}${at}-a`, `${name}${at}-b`]
}

/** The first pair of drones: one of the two is on a slow line. */
export function slowPairOf (count: number): readonly [slow: string, partner: string] {
  const at = honestDialects.findIndex(({ name }) => name === 'drone')
  return namesOf(honestDialects[at] as HonestDialect, mixOf(count).slice(0, at).reduce((sum, pairs) => sum + pairs, 0))
}

export const newcomerEveryMs = 500

/** The newcomers take turns with the dialects. */
export function newcomerOf (at: number): { dialect: HonestDialect, id: string } {
  const dialect = honestDialects[at % honestDialects.length] as HonestDialect
  return { dialect, id: `${dialect.name}new${at}-a` }
}

/** The ids of the PeerJS clients among the next twenty newcomers after `arrived`. */
export function soonOf (arrived: number): string[] {
  return Array
    .from({ length: 20 }, (_, at) => newcomerOf(Math.floor(arrived) + 1 + at))
    .filter(({ dialect }) => dialect.name === 'peerjs')
    .map(({ id }) => id)
}
