import { randomUUID } from 'node:crypto'
import type { Log } from '../../telemetry/log.js'
import type { MaybePromise } from '../../timing/maybe-promise.js'
import type { Timers } from '../../timing/timers.js'
import type { Nodes } from '../contract.js'
import { nodesKey } from './keys.js'
import { type Query, queryOf, type Reply, replyOf } from './messages.js'
import { orIfDown, type RedisNode } from './node.js'

/** In ms. */
const answerWithinMs = 1_000

/** What nodes ask each other for administrators: over the channels on which they hear of everything else. */
export class Questions implements Nodes {
  readonly #node: RedisNode
  readonly #timers: Timers
  readonly #log: Log
  readonly #waiting = new Map<string, (answer: string | undefined) => void>()
  #respond: ((question: string) => MaybePromise<string>) | undefined

  constructor (node: RedisNode, timers: Timers, log: Log) {
    this.#node = node
    this.#timers = timers
    this.#log = log
  }

  respond (answer: (question: string) => MaybePromise<string>): void {
    this.#respond = answer
  }

  async others (): Promise<readonly string[] | undefined> {
    if (!this.#node.isUp) return undefined
    try {
      const names = await this.#node.link.command(async (client) => await client.zrange(nodesKey, '0', '-1')) as string[]
      return names.filter((name) => name !== this.#node.name)
    } catch (error) {
      return orIfDown(error, undefined)
    }
  }

  async ask (node: string, question: string): Promise<string | undefined> {
    const token = randomUUID()
    const answer = new Promise<string | undefined>((resolve) => { this.#waiting.set(token, resolve) })
    const timeout = this.#timers.schedule(answerWithinMs, () => this.#waiting.get(token)?.(undefined))
    try {
      const heardBy = await this.#publish(node, queryOf({ token, asker: this.#node.name, text: question }))
      return heardBy === 0 ? undefined : await answer
    } catch (error) {
      return orIfDown(error, undefined)
    } finally {
      this.#timers.cancel(timeout)
      this.#waiting.delete(token)
    }
  }

  onReply ({ token, text }: Reply): void {
    this.#waiting.get(token)?.(text)
  }

  onQuery ({ token, asker, text }: Query): void {
    const respond = this.#respond
    if (respond === undefined) return
    const answer = async (): Promise<void> => {
      await this.#publish(asker, replyOf({ token, text: await respond(text) }))
    }
    answer()
      .catch((error: unknown) => orIfDown(error, undefined))
      .catch((error: unknown) => this.#log.error({ err: error }, 'a question of another node'))
  }

  async #publish (node: string, message: string): Promise<number> {
    const { link } = this.#node
    return await link.publish(`${link.keys.tags[0]}:node:${node}`, message)
  }
}
