import { closeCodes } from '../../src/kit.js'
import type { Session } from './session.js'

/** The sessions of this node. */
export class Sessions {
  readonly #mostAnswered: number
  readonly #mostOfNetwork: number
  readonly #calling = new Set<Session>()
  /** The oldest first. */
  readonly #answered = new Set<Session>()
  readonly #ofNetworks = new Map<string, Set<Session>>()

  /**
   * One session more than `mostAnswered`, or than `mostOfNetwork` of one network, and the oldest of them is forgotten. So nobody can use up
   * the places of others.
   */
  constructor (mostAnswered: number, mostOfNetwork: number) {
    this.#mostAnswered = mostAnswered
    this.#mostOfNetwork = mostOfNetwork
  }

  get size (): number {
    return this.#answered.size
  }

  calls (session: Session): void {
    this.#calling.add(session)
  }

  began (session: Session): void {
    this.#calling.delete(session)
    this.#answered.add(session)
    const { network } = session
    const ofNetwork = this.#ofNetworks.get(network) ?? new Set()
    this.#ofNetworks.set(network, ofNetwork.add(session))
    if (this.#answered.size > this.#mostAnswered) forgetOldest(this.#answered)
    if (ofNetwork.size > this.#mostOfNetwork) forgetOldest(ofNetwork)
  }

  ended (session: Session): void {
    this.#calling.delete(session)
    this.#answered.delete(session)
    const { network } = session
    const ofNetwork = this.#ofNetworks.get(network)
    ofNetwork?.delete(session)
    if (ofNetwork?.size === 0) this.#ofNetworks.delete(network)
  }

  /** The server goes. What was agreed goes on without it. */
  forgetAll (): void {
    for (const session of [...this.#calling, ...this.#answered]) session.forget(closeCodes.goingAway)
  }
}

function forgetOldest (sessions: ReadonlySet<Session>): void {
  const [oldest] = sessions
  oldest?.forget(closeCodes.tryAgainLater)
}
