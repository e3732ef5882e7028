import type { WebSocket } from 'ws'

export type Frame = Record<string, unknown>

/** What a signal carries: which one it is, when it was sent, and what makes it as long as an SDP. */
export interface Signal {
  n: number
  at: number
  sdp: string
}

/** How two honest clients of a dialect find each other and signal. `say` and `hear` are the client's own way with frames. */
export interface HonestDialect {
  readonly name: string
  /** How many of a thousand pairs speak it. */
  readonly share: number
  /** Without a token PeerJS clients make one up. */
  path (id: string, token?: string): string
  /** Registers one of the two. What it answers for the first of them is `met` for the second. */
  enter (client: Entering, id: string, met: string | undefined): Promise<string | undefined>
  /** A signal as the sender writes it. */
  write (from: string, to: string, signal: Signal): Frame
  /** The signal in a frame, if it is one from that peer. */
  read (frame: Frame, from: string): Signal | undefined
}

export interface Entering {
  readonly socket: WebSocket
  say (frame: Frame): void
  /** The first frame of that type which nobody has heard. Those before it are dropped. */
  hear (type: string): Promise<Frame>
}

/**
 * The mix. Every ToM node hears of every other, so their cost grows with their square, and a drone that leaves sends a list
 * to all others: of those there are few. The others only ever hear of their partner.
 */
export const honestDialects: readonly HonestDialect[] = [
  {
    name: 'peerjs',
    share: 300,
    path: (id, token = id) => `/peerjs?key=peerjs&id=${id}&token=${token}`,
    async enter (client) {
      await client.hear('OPEN')
      return undefined
    },
    write: (_from, to, signal) => ({ type: 'OFFER', dst: to, payload: signal }),
    read: ({ type, src, payload }, from) => type === 'OFFER' && src === from ? payload as Signal : undefined
  },
  {
    name: 'psync',
    share: 300,
    path: () => '/psync/ws',
    async enter (client, id) {
      // The two share what comes before the dash.
      client.say({ type: 'register', source_id: id, payload: { peer_id: id, group_id: id.split('-')[0] } })
      await client.hear('peer_list')
      return undefined
    },
    write: (from, to, signal) => ({ type: 'offer', source_id: from, target_id: to, payload: signal }),
    read: ({ type, source_id: source, payload }, from) => type === 'offer' && source === from ? payload as Signal : undefined
  },
  {
    name: 'rooms',
    share: 225,
    path: () => '/rooms',
    async enter (client, _id, roomId) {
      client.say(roomId === undefined ? { type: 'create' } : { type: 'join', roomId })
      return String((await client.hear(roomId === undefined ? 'room_created' : 'room_joined')).roomId)
    },
    // The server makes up who one is there, so the sender says it inside.
    write: (from, _to, signal) => ({ type: 'signal', payload: { ...signal, from } }),
    read: ({ type, payload }, from) => type === 'signal' && (payload as Frame).from === from ? payload as Signal : undefined
  },
  {
    name: 'drone',
    share: 150,
    path: () => '/drone',
    async enter (client, id) {
      client.say({ type: 'register', id })
      await client.hear('registered')
      return undefined
    },
    // An offer begins the session, and all that follows needs it.
    write: (from, to, signal) => ({ ...(signal.n === 0 ? { type: 'offer', sdp: signal } : { type: 'ice', candidate: signal }), target: to, sessionId: [from, to].sort().join('+') }),
    read: ({ from: source, sdp, candidate }, from) => source === from ? (sdp ?? candidate) as Signal : undefined
  },
  {
    name: 'tom',
    share: 25,
    path: () => '/tom',
    async enter (client, id) {
      client.say({ type: 'register', nodeId: id, username: id })
      await client.hear('participants')
      return undefined
    },
    write: (from, to, signal) => ({ type: 'signal', from, to, payload: signal }),
    read: ({ type, from: source, payload }, from) => type === 'signal' && source === from ? payload as Signal : undefined
  }
]

/** How many pairs of each dialect, in the order above: `count` in all. */
export function mixOf (count: number): number[] {
  const mix = honestDialects.map(({ share }) => Math.max(1, Math.round(count * share / 1000)))
  mix[0] = (mix[0] ?? 0) + count - mix.reduce((sum, pairs) => sum + pairs, 0)
  return mix
}

/** The two of a pair, which is the so-manieth. */
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

/** Those who speak PeerJS of the next twenty newcomers, when there were so many. */
export function soonOf (arrived: number): string[] {
  return Array.from({ length: 20 }, (_, at) => newcomerOf(Math.floor(arrived) + 1 + at)).filter(({ dialect }) => dialect.name === 'peerjs').map(({ id }) => id)
}
