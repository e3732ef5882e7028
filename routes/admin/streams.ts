import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Operator } from './access.js'
import type { Answer, Ask, ClusterView, FromNode, Looking, Target } from './cluster.js'
import type { End } from './console-schema.js'
import { sampleBetween, type Totals } from './report.js'

/** Streams that one node has open at a time. */
export const maxStreams = 32
/** How long an id is followed at most. In ms. */
export const maxFollowMs = 600_000

/** How often this node is looked at. In ms. */
const hereMs = 250
/** How often the others are asked, and samples made. In ms. */
const othersMs = 1_000
/** Bytes that may wait for a reader. Meanwhile it is told nothing, and then how much it has missed. */
const maxWaiting = 262_144

/** One answer of a stream of server-sent events. */
class EventStream {
  readonly body = new PassThrough({ highWaterMark: maxWaiting })

  /** The reader has not read what it was sent. */
  get isBehind (): boolean {
    return this.body.writableNeedDrain
  }

  tell (event: string, data: unknown): void {
    if (!this.body.writableEnded && !this.body.destroyed) this.body.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  end (reason: End['reason']): void {
    this.tell('end', { reason })
    this.body.end()
  }
}

interface Watching<N extends 'events' | 'follow'> {
  readonly name: N
  readonly ask: (looking: Looking) => Ask<N>
  readonly cursorOf: (answer: Answer<N>) => number
  readonly tell: (stream: EventStream, from: FromNode<Answer<N>>) => void
  readonly endsAt?: number
}

/** The streams that are open on this node. */
export class Streams {
  readonly #app: FastifyInstance
  readonly #cluster: ClusterView
  readonly #open = new Set<EventStream>()

  constructor (app: FastifyInstance, cluster: ClusterView) {
    this.#app = app
    this.#cluster = cluster
  }

  get isFull (): boolean {
    return this.#open.size >= maxStreams
  }

  close (): void {
    for (const stream of this.#open) stream.end('closing')
  }

  /** Samples of all nodes each second, and their audit records as they come. */
  async events (reply: FastifyReply, operator: Operator): Promise<FastifyReply> {
    const totals = new Map<string, Totals>()
    return await this.#watch(reply, operator, {
      name: 'events',
      ask: (looking) => looking,
      cursorOf: ({ audit }) => audit.cursor,
      tell: (stream, { node, answer: { totals: now, audit } }) => {
        if (audit.omitted > 0) stream.tell('omitted', { node, records: audit.omitted })
        for (const record of audit.records) stream.tell('audit', { node, ...record, time: Math.round(record.time) })
        if (now === undefined) return
        const before = totals.get(node)
        totals.set(node, now)
        if (before !== undefined) stream.tell('sample', sampleBetween(node, before, now))
      }
    })
  }

  /** A peer's frames on all nodes. */
  async follow (reply: FastifyReply, operator: Operator, target: Target): Promise<FastifyReply> {
    this.#cluster.noteTrace(target, operator.by)
    return await this.#watch(reply, operator, {
      name: 'follow',
      ask: (looking) => ({ ...target, ...looking }),
      cursorOf: ({ cursor }) => cursor,
      tell: (stream, { node, answer: { records, omitted } }) => {
        if (omitted > 0) stream.tell('omitted', { node, records: omitted })
        for (const record of records) stream.tell('frame', { node, ...record, time: Math.round(record.time) })
      },
      endsAt: this.#app.signalbox.timers.now() + maxFollowMs
    })
  }

  async #watch<N extends 'events' | 'follow'> (reply: FastifyReply, { expiresAt }: Operator, watching: Watching<N>): Promise<FastifyReply> {
    const { timers } = this.#app.signalbox
    const { name, ask, cursorOf, tell, endsAt = Infinity } = watching
    const stream = new EventStream()
    const cursors = new Map<string, number>()
    this.#open.add(stream)

    const hear = (from: FromNode<Answer<N>>): void => {
      if (stream.isBehind) return
      cursors.set(from.name, cursorOf(from.answer))
      tell(stream, from)
    }
    let isAsking = false
    const askOthers = async (): Promise<void> => {
      if (isAsking) return
      isAsking = true
      try {
        const { answers } = await this.#cluster.askOthers(name, (other) => ask({ cursor: cursors.get(other), isSecond: true }))
        for (const answer of answers) hear(answer)
      } finally {
        isAsking = false
      }
    }
    let looks = 0
    const look = (): void => {
      if (timers.now() >= endsAt) return stream.end('time')
      if (timers.timeOfDay() >= expiresAt) return stream.end('token')
      if (stream.isBehind) return
      const isSecond = looks++ % (othersMs / hereMs) === 0
      const answer = this.#cluster.askHere(name, ask({ cursor: cursors.get(''), isSecond }))
      hear({ node: this.#cluster.here, name: '', answer })
      if (isSecond) askOthers().catch((error: unknown) => this.#app.log.error({ err: error }, 'asking the other nodes'))
    }
    const looking = setInterval(look, hereMs).unref()
    stream.body.on('close', () => {
      clearInterval(looking)
      this.#open.delete(stream)
    }).on('error', () => {})
    // A browser calls it open only when something has come.
    stream.tell('hello', { node: this.#cluster.here })
    look()
    return await reply
      .header('x-accel-buffering', 'no')
      .type('text/event-stream; charset=utf-8')
      .send(stream.body)
  }
}
