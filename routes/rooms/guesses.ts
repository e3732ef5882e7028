import { networkOf } from '../../src/address.js'
import { after, type MaybePromise } from '../../src/maybe-promise.js'
import type { Attempts } from '../../src/state/contract.js'

const windowMs = 60_000
const maxFailures = 10

/** Keeps an address from finding rooms by trying: four digits are few. */
export function guessThrottle (attempts: Attempts) {
  return {
    /** True while the address may not join anything. */
    isBarred (address: string): MaybePromise<boolean> {
      return after(attempts.count(`rooms barred ${networkOf(address)}`), (count) => count > 0)
    },

    /** Counts a join that failed; true when it is one too many, and the address is barred from now on. */
    isTooMany (address: string): MaybePromise<boolean> {
      return after(attempts.add(`rooms failed ${networkOf(address)}`, windowMs), (failures) => {
        if (failures <= maxFailures) return false
        return after(attempts.add(`rooms barred ${networkOf(address)}`, windowMs), () => true)
      })
    }
  }
}
