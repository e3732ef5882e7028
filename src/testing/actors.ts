import type { ClientOptions } from 'ws'
import { type Client, connect, type Reachable } from './client.js'
import type { Frame, Received } from './dialect.js'
import type { Scope } from './runner.js'
import { type CompleteSubject, completed, type Subject } from './subject.js'

/** A client that is a peer of some dialect. */
export class Actor {
  readonly client: Client
  /** Its own, or the one that the server assigned. */
  readonly id: string
  /** Undefined for the dialect's default. */
  readonly place: string | undefined
  readonly #subject: CompleteSubject

  constructor (subject: Subject, client: Client, { id, place }: { id: string, place: string | undefined }) {
    this.#subject = completed(subject)
    this.client = client
    this.id = id
    this.place = place
  }

  /** Sends an object as JSON, and text or bytes as they are. */
  send (frame: unknown): void {
    this.client.send(frame)
  }

  /** Sends a signal whose load may be any JSON value. */
  signal (to: string, load: unknown): void {
    this.client.send(this.#subject.signal(this.id, to, load, this.place))
  }

  /** The next signal for it. Other frames before it are dropped. */
  async hears (): Promise<Received> {
    return this.#subject.received(await this.client.nextThat((frame) => this.#subject.received(frame) !== undefined)) as Received
  }

  /** Sends the question; answers with all frames that came before its answer. */
  async settle (): Promise<Frame[]> {
    this.client.send(this.#subject.question(this.id))
    const before: Frame[] = []
    while (true) {
      const frame = await this.client.next()
      if (this.#subject.isAnswer(frame)) return before
      before.push(frame)
    }
  }
}

/** How a client enters. */
export interface Entering {
  /** The place to enter; by default the dialect's. */
  place?: string | undefined
  /** Of its WebSocket. */
  options?: ClientOptions
}

/** Connects and becomes a peer. Throws when no welcome comes. */
export async function enter (t: Scope, app: Reachable, subject: Subject, id: string, { place, options }: Entering = {}): Promise<Actor> {
  const client = await connect(t, app, subject.path(id), options)
  for (const frame of subject.registration(id, place)) client.send(frame)
  const welcome = await client.nextThat((frame) => subject.welcome(frame, id) !== undefined)
  return new Actor(subject, client, { id, place, ...subject.welcome(welcome, id) })
}

/** Two peers in one place. */
export async function enterBoth (t: Scope, app: Reachable, subject: Subject, place?: string): Promise<[alice: Actor, bob: Actor]> {
  const alice = await enter(t, app, subject, 'alice', { place })
  return [alice, await enter(t, app, subject, 'bob', { place: alice.place })]
}
