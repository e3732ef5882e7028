import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildOnly, type Client, connect, type Env, type Frame } from '../../helper.js'

export const build = buildOnly('tracker')

/** 20 bytes as code points, control characters and those beyond ASCII among them. */
export const hash = String.fromCharCode(...Array.from({ length: 20 }, (_, at) => at * 13))

export const offerOf = (name: string): Frame => ({ offer: { type: 'offer', sdp: `v=0 of ${name}` }, offer_id: `\0${name}` })

export const failure = (reason: string, of = hash): Frame => ({ action: 'announce', 'failure reason': reason, info_hash: of })

export const counts = (complete: number, incomplete: number, of = hash): Frame =>
  ({ action: 'announce', info_hash: of, complete, incomplete })

export const isOffer = ({ offer }: Frame): boolean => offer !== undefined
export const isCounts = ({ interval }: Frame): boolean => interval !== undefined

/** A socket that announces itself under one peer id in one swarm, unless a frame says otherwise. */
export class Announcer {
  readonly client: Client
  readonly id: string

  constructor (client: Client, id: string) {
    this.client = client
    this.id = id
  }

  /** Sends an announce. */
  say (frame: Frame = {}): void {
    this.client.send({ action: 'announce', info_hash: hash, peer_id: this.id, ...frame })
  }

  /** Sends an announce, and waits for the counts. The interval beside them differs from time to time. */
  async announce (frame: Frame = {}): Promise<Frame> {
    this.say(frame)
    const { interval, ...rest } = await this.client.nextThat((frame) => isCounts(frame) || frame['failure reason'] !== undefined)
    return rest
  }

  answer (to: string, frame: Frame = {}): void {
    this.say({ to_peer_id: to, answer: { type: 'answer', sdp: `v=0 of ${this.id}` }, offer_id: 'o', ...frame })
  }

  /** All that came until the next answer of this peer, also where that is on another node. */
  async until (from: Announcer, hash?: Frame): Promise<Frame[]> {
    from.answer(this.id, hash)
    const before: Frame[] = []
    while (true) {
      const frame = await this.client.next()
      if (frame.answer !== undefined) return before
      before.push(frame)
    }
  }

  async scrape (hashes: unknown): Promise<Frame> {
    this.client.send({ action: 'scrape', info_hash: hashes })
    return await this.client.next()
  }

  /** All that the server has answered until now. */
  async settle (): Promise<Frame[]> {
    this.client.send({ action: 'settle' })
    const before: Frame[] = []
    while (true) {
      const frame = await this.client.next()
      if (frame['failure reason'] === 'unknown action: settle') return before
      before.push(frame)
    }
  }
}

/** Connects without an announce. */
export async function stranger (t: Test, app: FastifyInstance, id: string, path = '/t'): Promise<Announcer> {
  return new Announcer(await connect(t, app, path), id)
}

/** Connects, and announces itself. */
export async function peer (t: Test, app: FastifyInstance, id: string, frame: Frame = {}): Promise<Announcer> {
  const announcer = await stranger(t, app, id)
  await announcer.announce(frame)
  return announcer
}

/** Several, in one swarm. */
export async function peersOf (t: Test, app: FastifyInstance, ids: readonly string[]): Promise<Announcer[]> {
  const announcers = []
  for (const id of ids) announcers.push(await peer(t, app, id))
  return announcers
}

export type { Env, Frame }
