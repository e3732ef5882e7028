import type { Timer } from '../../timing/timers.js'
import type { Sink } from '../contract.js'
import { LocalMember } from '../local/exchange.js'

/** In the place of a peer that is away. Its mail is kept apart; news of its room are not, since its welcome will tell it everything. */
export class AwayMember extends LocalMember {
  /** Ends its grace. */
  readonly timer: Timer

  constructor ({ room, id, info, owner, grace, seenAt }: LocalMember, timer: Timer) {
    const sink: Sink = { deliver: () => true, close () {}, seenAt }
    super({ room, id, sink, info, owner, grace, replace: false })
    this.timer = timer
  }

  override get isAway (): boolean {
    return true
  }
}
