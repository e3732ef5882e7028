import type { Log } from '../../telemetry/log.js'
import type { MaybePromise } from '../../timing/maybe-promise.js'
import type { Timers } from '../../timing/timers.js'
import type { Peers } from '../contract.js'
import { isHeldBy, type LocalMember } from '../local/exchange.js'
import { answerOf, type HolderAnswer, type HolderQuestion, questionOf } from './messages.js'
import { orIfDown, type RedisNode } from './node.js'
import type { LocalRooms } from './rooms.js'
import { goAway } from './scripts/away.js'
import { type Holder, leave } from './scripts/membership.js'

/** What an answer takes beyond the time that the client has: the way, a wait for the next question, lateness. In ms. */
const answerMarginMs = 1_500

export interface HoldersParts {
  readonly node: RedisNode
  readonly rooms: LocalRooms
  readonly timers: Timers
  readonly log: Log
  /** How long a client has to show that it is there. In ms; 0: it is not asked. */
  readonly probeMs: number
  readonly leave: Peers['leave']
}

/**
 * Finds out whether the connection that holds an id is still there: asks it here, or has its node ask it. Each question is put to Redis
 * once, however many wait for the answer.
 */
export class Holders {
  readonly #parts: HoldersParts
  /** Questions to other nodes, by registrationId. */
  readonly #questions = new Map<string, { readonly answer: Promise<boolean>, readonly settle: (isHeld: boolean) => void }>()

  constructor (parts: HoldersParts) {
    this.#parts = parts
  }

  /**
   * Whether the registration still holds the id. One that does not has left by the answer, or is away, and then it holds its id without
   * being asked. True while that is unknown.
   */
  async isHeld (room: string, id: string, holder: Holder): Promise<boolean> {
    const { node, rooms } = this.#parts
    const { registrationId } = holder
    if (holder.node === '') return true
    try {
      const isHere = holder.node === node.name
      const isHeld = isHere ? await this.#isHeldUnder(room, id, registrationId) : await this.#ask(room, id, holder)
      if (isHeld) return true
      // Its node may have done so already, or be dead.
      const isWatched = rooms.watcherOf(room) !== undefined
      const keys = node.link.keys.of(room)
      const step = { room, id, registrationId, isWatched }
      if (await goAway(node.run, keys, step) === 'ended') await leave(node.run, keys, step)
      return false
    } catch (error) {
      return orIfDown(error, true)
    }
  }

  /** The same for a member of this node. */
  isHeldHere (member: LocalMember): MaybePromise<boolean> {
    return isHeldBy(member, this.#parts.leave)
  }

  /** Another node asks. It is answered after everything that Redis was told because of the question. */
  onQuestion ({ room, id, registrationId, asker }: HolderQuestion): void {
    const { node: { link }, log } = this.#parts
    Promise.resolve(this.#isHeldUnder(room, id, registrationId))
      .then(async (isHeld) => await link.publish(link.keys.of(room).nodePrefix + asker, answerOf({ registrationId, isHeld })))
      .catch((error: unknown) => orIfDown(error, undefined))
      .catch((error: unknown) => log.error({ err: error }, 'asking the holder of an id'))
  }

  onAnswer ({ registrationId, isHeld }: HolderAnswer): void {
    this.#questions.get(registrationId)?.settle(isHeld)
  }

  #isHeldUnder (room: string, id: string, registrationId: string): MaybePromise<boolean> {
    const local = this.#parts.rooms.get(room)
    const pending = local?.pending.get(id)
    if (pending?.member.registrationId === registrationId) {
      return pending.done.then(() => this.#isHeldUnder(room, id, registrationId))
    }
    const member = local?.members.get(id)
    return member?.registrationId === registrationId && this.isHeldHere(member)
  }

  #ask (room: string, id: string, holder: Holder): Promise<boolean> {
    const { registrationId } = holder
    const earlier = this.#questions.get(registrationId)
    if (earlier !== undefined) return earlier.answer
    const { timers, probeMs } = this.#parts
    let settle = (_isHeld: boolean): void => {}
    const answer = new Promise<boolean>((resolve) => { settle = resolve }).finally(() => {
      timers.cancel(timeout)
      this.#questions.delete(registrationId)
    })
    // A node that is listening and does not answer stands still: its client is not to blame.
    const timeout = timers.schedule(probeMs + answerMarginMs, () => settle(true))
    this.#questions.set(registrationId, { answer, settle })
    this.#put(room, id, holder).then((isHeld) => { if (isHeld !== undefined) settle(isHeld) }, () => settle(true))
    return answer
  }

  /**
   * Puts the question to a node. Undefined when the node will answer. Where nobody is listening, now and after the time that a client has
   * to answer, the node is dead, and its clients hold nothing.
   */
  async #put (room: string, id: string, holder: Holder): Promise<boolean | undefined> {
    const { timers, probeMs } = this.#parts
    if (await this.#publish(room, id, holder) > 0) return undefined
    if (probeMs === 0) return true
    await new Promise<void>((resolve) => { timers.schedule(probeMs, resolve) })
    // Meanwhile the node may have come back under another name.
    const now = await this.#holderOf(room, id)
    if (now?.registrationId !== holder.registrationId) return false
    return await this.#publish(room, id, now) > 0 ? undefined : false
  }

  async #publish (room: string, id: string, { node: name, registrationId }: Holder): Promise<number> {
    const { node: { link, name: asker } } = this.#parts
    return await link.publish(link.keys.of(room).nodePrefix + name, questionOf({ room, id, registrationId, asker }))
  }

  async #holderOf (room: string, id: string): Promise<Holder | undefined> {
    const { link } = this.#parts.node
    const held = await link.command(async (client) => await client.hget(link.keys.of(room).members, id))
    const [node, registrationId] = String(held ?? '').split('\n')
    return node === undefined || registrationId === undefined ? undefined : { node, registrationId }
  }
}
