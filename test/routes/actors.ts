import type { Test } from 'tap'
import type { ClientOptions } from 'ws'
import { type Client, connect, type Frame, type Reachable } from '../helper.js'
import type { Received, Subject } from './dialects.js'

/** A client that is a peer of some dialect. */
export class Actor {
  readonly client: Client
  readonly id: string
  readonly place: string | undefined
  readonly #subject: Subject

  constructor (subject: Subject, client: Client, { id, place }: { id: string, place: string | undefined }) {
    this.#subject = subject
    this.client = client
    this.id = id
    this.place = place
  }

  send (frame: unknown): void {
    this.client.send(frame)
  }

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

interface Entering {
  /** The place to enter; by default the dialect's. */
  place?: string | undefined
  options?: ClientOptions
}

/** Connects and becomes a peer. */
export async function enter (t: Test, app: Reachable, subject: Subject, id: string, { place, options }: Entering = {}): Promise<Actor> {
  const client = await connect(t, app, subject.path(id), options)
  for (const frame of subject.registration(id, place)) client.send(frame)
  const welcome = await client.nextThat((frame) => subject.welcome(frame, id) !== undefined)
  return new Actor(subject, client, { id, place, ...subject.welcome(welcome, id) })
}

/** Two peers in one place. */
export async function enterBoth (t: Test, app: Reachable, subject: Subject, place?: string): Promise<[alice: Actor, bob: Actor]> {
  const alice = await enter(t, app, subject, 'alice', { place })
  return [alice, await enter(t, app, subject, 'bob', { place: alice.place })]
}
