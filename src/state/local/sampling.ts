import { randomInt } from 'node:crypto'

/** The members of a room, for drawing some of them at random. A draw costs as much as it gives. */
export class Sampling<M extends { readonly id: string }> {
  readonly #all: M[] = []
  readonly #places = new Map<string, number>()

  constructor (members: Iterable<M>) {
    for (const member of members) this.set(member)
  }

  /** Adds a member, in place of the one with its id, if any. */
  set (member: M): void {
    const place = this.#places.get(member.id) ?? this.#all.length
    this.#put(member, place)
  }

  delete (id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#swap(place, this.#all.length - 1)
    this.#all.pop()
    this.#places.delete(id)
  }

  /** Up to `count` different members without the id `except`. */
  draw (count: number, except?: string): M[] {
    let size = this.#all.length
    const place = except === undefined ? undefined : this.#places.get(except)
    if (place !== undefined) this.#swap(place, --size)
    const drawn = Math.max(0, Math.min(count, size))
    // What is drawn goes to the front, and the next is drawn from the rest.
    for (let at = 0; at < drawn; at++) this.#swap(at, randomInt(at, size))
    return this.#all.slice(0, drawn)
  }

  #swap (one: number, other: number): void {
    const [first, second] = [this.#all[one] as M, this.#all[other] as M]
    this.#put(second, one)
    this.#put(first, other)
  }

  #put (member: M, place: number): void {
    this.#all[place] = member
    this.#places.set(member.id, place)
  }
}
