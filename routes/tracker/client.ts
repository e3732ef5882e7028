import type { Connection, Member } from '../../src/kit.js'

/** One peer id in one swarm, and its socket's. */
export interface Place {
  readonly member: Member
  /** Its second membership, while it has everything. */
  seeder: Member | undefined
  /** The name of the swarm. */
  readonly swarm: string
  /** The room of those that have everything. */
  readonly seeders: string
  /** The hash as JSON. */
  readonly hash: string
  /** The end of its offers: who they are from, and in which swarm. */
  readonly stamp: string
}

/** A socket. It may be in several swarms, under several peer ids. */
export class TrackerClient {
  readonly connection: Connection
  readonly #places = new Map<string, Map<string, Place>>()

  constructor (connection: Connection) {
    this.connection = connection
  }

  place (hash: string, peerId: string): Place | undefined {
    return this.#places.get(hash)?.get(peerId)
  }

  add (hash: string, peerId: string, place: Place): void {
    const own = this.#places.get(hash) ?? new Map<string, Place>()
    this.#places.set(hash, own.set(peerId, place))
  }

  remove (hash: string, peerId: string): void {
    const own = this.#places.get(hash)
    own?.delete(peerId)
    if (own?.size === 0) this.#places.delete(hash)
  }
}
