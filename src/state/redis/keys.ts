/** The slots over which the keys are spread on a cluster. Each has a channel of every node. */
const clusterSlots = 64

/** The leases of all nodes. */
export const nodesKey = '{sb:0}:nodes'
/** Names the data set: it is another one once Redis has lost its data. */
export const generationKey = '{sb:0}:generation'

/** The names of the rooms that a node has members in. */
export function roomsKey (node: string): string {
  return `{sb:0}:rooms:${node}`
}

/** The keys of what may fail only so often: its window, what is held of it by nodes, and their leases. */
export function attemptsKeys (key: string): [string, string, string] {
  return [`{sb:0}:attempts:${key}`, `{sb:0}:attempts-held:${key}`, nodesKey]
}

/** The keys and channels of rooms. Everything that belongs to one room is in one slot. */
export class Keys {
  readonly #prefix: string
  readonly #slots: number

  /** @param database its number, since the channels of one Redis are common to all its databases */
  constructor (database: number, isCluster: boolean) {
    this.#prefix = database === 0 ? 'sb' : `sb/${database}`
    this.#slots = isCluster ? clusterSlots : 1
  }

  /** The part of a room's keys that decides their slot. */
  tagOf (room: string): string {
    return `{${this.#prefix}:${this.#slots === 1 ? 0 : hashOf(room) % this.#slots}}`
  }

  /** All tags that `tagOf` returns. */
  get tags (): string[] {
    return Array.from({ length: this.#slots }, (_, slot) => `{${this.#prefix}:${slot}}`)
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
      channel: `${tag}:room:${room}`,
      nodePrefix: `${tag}:node:`,
      mail: (to: string) => `${tag}:mail:${room}\n${to}`
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
