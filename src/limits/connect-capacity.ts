/** One second of a process. */
export interface Second {
  /** Share of it that the event loop was busy, from 0 to 1. */
  readonly utilization: number
  /** Clients that connected in it. */
  readonly connects: number
}

/** Fewer do not tell what one costs. */
const minConnects = 20
/** What a client costs that connects, until that has been measured, and the bounds of what is believed. In ms of the event loop. */
const defaultCostMs = 1
const costBoundsMs = [0.2, 20] as const
/** Of what is left of the event loop, so much is for clients that connect: the rest is for those who are there. */
const shareForConnects = 0.7
/** The weight of a second among those before. */
const weight = 0.3

/**
 * Learns how many clients a second a process can let in: what one costs, with its handshake, its registration and what others are told of
 * it, is the difference between seconds with many that connect and those with few.
 */
export class ConnectCapacity {
  #idle = 0
  #costMs = defaultCostMs
  #utilization = 0

  note ({ utilization, connects }: Second): void {
    this.#utilization = utilization
    if (connects < minConnects) {
      this.#idle += weight * (utilization - this.#idle)
      return
    }
    const [least, most] = costBoundsMs
    const costMs = Math.min(most, Math.max(least, (utilization - this.#idle) * 1000 / connects))
    this.#costMs += weight * (costMs - this.#costMs)
  }

  /** How many more could connect in the next second. */
  get perSecond (): number {
    return Math.max(0, 1 - this.#utilization) * shareForConnects * 1000 / this.#costMs
  }
}
