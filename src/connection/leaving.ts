import type { Member, Peers } from '../state/contract.js'
import type { MaybePromise } from '../timing/maybe-promise.js'

export interface Leaving {
  readonly leave: Peers['leave']
  /** Whether nobody meant it: see `Peers.leave`. */
  readonly mayReturn: boolean
  /** What is done after that. */
  readonly last?: () => MaybePromise<unknown>
  readonly onError: (error: unknown) => void
}

/**
 * Leaves rooms in the order in which they were joined: at once, where the state answers at once. A step that fails does not stop the
 * others.
 */
export async function leaveAll (members: readonly Member[], { leave, mayReturn, last, onError }: Leaving): Promise<void> {
  const steps: Array<() => MaybePromise<unknown>> = members.map((member) => () => leave(member, mayReturn))
  if (last !== undefined) steps.push(last)
  for (const step of steps) {
    try {
      const done = step()
      if (done instanceof Promise) await done
    } catch (error) {
      onError(error)
    }
  }
}
