/** The number of slots that keys are spread over on a cluster. Every node has a channel in each. */
const clusterSlots = 64

/** The leases of all nodes: a sorted set of node names by the end of the lease. */
export const nodesKey = '{sb:0}:nodes'
/** An id of the data set. It changes when Redis has lost its data. */
export const generationKey = '{sb:0}:generation'

/** The key of the set of rooms in which a node has members. */
export function roomsKey (node: string): string {
  return `{sb:0}:rooms:${node}`
}

/** The keys for attempts: the window of the key, how much of it each node holds, and the leases of the nodes. */
export function attemptsKeys (key: string): [string, string, string] {
  return [`{sb:0}:attempts:${key}`, `{sb:0}:attempts-held:${key}`, nodesKey]
}

/** The keys and channels of rooms. All those of one room are in one slot. */
export class Keys {
  readonly #prefix: string
  readonly #slots: number

  /** @param database its number: the databases of one Redis share their channels */
  constructor (database: number, isCluster: boolean) {
    this.#prefix = database === 0 ? 'sb' : `sb/${database}`
    this.#slots = isCluster ? clusterSlots : 1
  }

  /** The hash tag of a room's keys, which determines their slot. */
  tagOf (room: string): string {
    return `{${this.#prefix}:${this.#slots === 1 ? 0 : hashOf(room) % this.#slots}}`
  }

  /** All tags that `tagOf` returns. */
  get tags (): string[] {
    return Array.from({ length: this.#slots }, (_, slot) => `{${this.#prefix}:${slot}}`)
  }

  /** The key of those in a slot who are away: a sorted set by when they leave. */
  awayOf (tag: string): string {
    return `${tag}:away`
  }

  /** The keys and channels of one room. */
  of (room: string) {
    const tag = this.tagOf(room)
    return {
      membersPrefix: `${tag}:members:`,
      members: `${tag}:members:${room}`,
      sequence: `${tag}:sequence:${room}`,
      opened: `${tag}:opened:${room}`,
      sessions: `${tag}:sessions:${room}`,
      away: this.awayOf(tag),
      channel: `${tag}:room:${room}`,
      nodePrefix: `${tag}:node:`,
      mail: (to: string) => `${tag}:mail:${room}\n${to}`,
      untold: (batch: string) => `${tag}:untold:${batch}`
    }
  }
}

/** The keys and channels of one room. */
export type RoomKeys = ReturnType<Keys['of']>

/** FNV-1a. Any hash will do, as long as all nodes use the same. */
function hashOf (room: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < room.length; at++) hash = Math.imul(hash ^ room.charCodeAt(at), 0x01000193) >>> 0
  return hash
}

/** The slot of a Redis Cluster that a key or channel with a hash tag is in: the CRC16 (XMODEM) of the tag. */
export function slotOf (key: string): number {
  let crc = 0
  for (const byte of Buffer.from(key.slice(key.indexOf('{') + 1, key.indexOf('}')))) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  }
  return crc & 0x3fff
}
