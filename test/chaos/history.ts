/** What a client, or whoever runs the chaos, has written down. A connection has a number of its own. */
export type Happening =
  | {
    readonly kind: 'dials',
    readonly conn: number,
    readonly id: string,
    readonly dialect: string,
    readonly place: string
    /** The address that it comes from, and the node that it goes to. */
    readonly from: string,
    readonly node: number
  }
  | { readonly kind: 'opens' | 'welcomed', readonly conn: number }
  /** In a room from now on. */
  | { readonly kind: 'enters', readonly conn: number, readonly room: string }
  | { readonly kind: 'sends', readonly conn: number, readonly to: string, readonly number: number }
  | { readonly kind: 'hears', readonly conn: number, readonly from: string, readonly number: number }
  /** An error. `about`: whom it names as its receiver. */
  | { readonly kind: 'refused', readonly conn: number, readonly about?: string | undefined, readonly text: string }
  | { readonly kind: 'joined' | 'left', readonly conn: number, readonly about: string }
  /** The peers of a place, itself included. */
  | { readonly kind: 'lists', readonly conn: number, readonly ids: readonly string[] }
  | { readonly kind: 'stops reading', readonly conn: number }
  /** The client ends it: with a goodbye, or without. */
  | { readonly kind: 'closes' | 'cuts', readonly conn: number }
  | { readonly kind: 'ends', readonly conn: number, readonly code: number }
  | { readonly kind: 'fault', readonly fault: FaultKind, readonly node: number }
  | { readonly kind: 'healed', readonly fault: FaultKind, readonly node: number }
  /** A node has answered `/ready` so long after the fault was healed; undefined when it has not. */
  | { readonly kind: 'ready', readonly node: number, readonly ms: number | undefined }
  /** All faults are healed, and everything that was kept is delivered or answered. What is sent from now on arrives. */
  | { readonly kind: 'quiet' }
  /** Everybody goes. */
  | { readonly kind: 'over' }
  /** What a node answers over REST. */
  | { readonly kind: 'shows', readonly node: number, readonly dialect: string, readonly ids: readonly string[] }
  /** Still there after everybody has gone. */
  | { readonly kind: 'remains', readonly what: string }

/** `at` is in ms from the start. */
export type Entry = Happening & { readonly at: number }

export const nodeFaults = ['kill', 'drain', 'stop', 'isolate', 'cut'] as const
export const redisFaults = ['redis ends', 'redis stops', 'emptied', 'black hole', 'failover', 'read only'] as const

export type FaultKind = typeof nodeFaults[number] | typeof redisFaults[number]

/** All that was written down, in the order in which it happened. */
export class History {
  readonly entries: Entry[] = []
  readonly #startedAt = performance.now()

  get now (): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  write (happening: Happening): void {
    this.entries.push({ at: this.now, ...happening })
  }
}

/** An entry as a line. */
export function lineOf ({ at, kind, ...rest }: Entry): string {
  const parts = Object.entries(rest).filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name} ${Array.isArray(value) ? `[${value.join(' ')}]` : String(value)}`)
  return `${(at / 1000).toFixed(3).padStart(8)} ${kind}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`
}
