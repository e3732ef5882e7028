import { createHash, randomBytes } from 'node:crypto'
import {
  type BridgeEntrance, type BridgeRefusal, type Candidate, closeCodes, type Frame, HttpClient,
  type HttpClientHost, type HttpDialect, type JsonObject, type Member, networkOf, type MaybePromise, type Permit, type Signal, type State
} from '../../src/kit.js'
import type { News } from './bridge.js'
import { fold, isComplete, mostCandidates, ufragOf } from './sdp.js'

/** How long a call waits for its answer. In ms. */
const answerWithinMs = 15_000
/** Candidates of who answers are waited for until none has come for so long, and at most for so long. In ms. */
const quietMs = 300
const mostFoldingMs = 2_000
/** An older session is forgotten: its client may have vanished, which nobody can tell here. In ms. */
const maxAgeMs = 86_400_000

/** Why a call has no answer. `unanswered`: none came in time. `draining`: the server goes. */
export type CallFailure = BridgeRefusal | 'unanswered' | 'draining'
export type CallResult = { readonly answer: string } | { readonly failure: CallFailure }

/** What a session needs of its node. */
export interface SessionHost {
  readonly connections: HttpClientHost
  readonly peers: State['peers']
  readonly dialect: HttpDialect
  /** Undefined unless `BRIDGE` names the dialect. */
  readonly entrance: BridgeEntrance | undefined
  /** The session has its answer. */
  readonly began: (session: Session) => void
  readonly ended: (session: Session) => void
}

export interface Caller {
  readonly permit: Permit
  readonly address: string
}

/**
 * The last part of a session's URL. Nobody can guess it, and it tells every node which ICE session it is of: its second part is the entity
 * tag.
 */
export function sessionName (offer: string): string {
  const secret = randomBytes(16).toString('base64url')
  return `${secret}.${tagOf(secret, ufragOf(offer))}`
}

/** The id by which others know who asks at a URL. They learn nothing of the URL from it, and another client has another id there. */
export function idOf (target: string, name: string, { subject = '' }: Permit): string {
  return digest([target, name, subject]).slice(0, 22)
}

export function entityTagOf (name: string): string {
  return `"${name.split('.')[1] ?? ''}"`
}

/** Whether a fragment with this `ice-ufrag` belongs to the ICE session. */
export function isOfSession (name: string, ufrag: string): boolean {
  const [secret = '', tag] = name.split('.')
  return tagOf(secret, ufrag) === tag
}

function tagOf (secret: string, ufrag = ''): string {
  return digest([secret, ufrag]).slice(0, 11)
}

function digest (parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** A call of a client over HTTP, from its offer until it ends. Requests for it may come to any node: they reach it as frames. */
export class Session {
  readonly client: HttpClient
  readonly network: string
  readonly #host: SessionHost
  readonly #target: string
  readonly #result: Promise<CallResult>
  #settle: (result: CallResult) => void = () => {}
  #member: Member | undefined
  #phase: 'calling' | 'folding' | 'answered' = 'calling'
  #answer = ''
  #candidates: Candidate[] = []
  #cancelQuiet = (): void => {}

  constructor (host: SessionHost, target: string, { permit, address }: Caller) {
    this.#host = host
    this.#target = target
    this.network = networkOf(address)
    this.#result = new Promise((resolve) => { this.#settle = resolve })
    this.client = new HttpClient(host.connections, host.dialect, {
      address,
      permit,
      deliver: (frame) => this.#take(frame),
      ended: (code) => {
        this.#settle({ failure: code === closeCodes.goingAway ? 'draining' : 'absent' })
        host.ended(this)
      }
    })
  }

  /** Calls the target with an offer, under an id. */
  async call (id: string, sdp: string): Promise<CallResult> {
    const { peers, dialect: { name: room } } = this.#host
    const { member } = await peers.join({ room, id, sink: this.client, replace: false })
    this.#member = member
    if (this.client.isClosed) {
      if (member !== undefined) await peers.leave(member)
    } else if (member === undefined) {
      this.#fail('absent')
    } else {
      this.client.after(answerWithinMs, () => { if (this.#phase === 'calling') this.#fail('unanswered') })
      if (!await this.#send({ kind: 'offer', sdp })) this.#fail('absent')
    }
    return await this.#result
  }

  /** Ends the session: who was called is told. */
  end (code: number = closeCodes.normal): void {
    if (this.client.isClosed) return
    this.#say({ kind: 'bye' })
    this.client.close(code)
  }

  /** Ends the session, or only the call where that has no answer yet: who has answered is not told, and goes on. */
  forget (code: number): void {
    if (this.#phase !== 'answered') return this.end(code)
    if (this.#member !== undefined) this.#host.entrance?.forget(this.#member)
    this.client.close(code)
  }

  /** False where nobody can be told. */
  #send (signal: Signal): MaybePromise<boolean> {
    const { entrance } = this.#host
    if (entrance === undefined || this.#member === undefined) return false
    return entrance.send(this.client, this.#member, this.#target, signal as unknown as JsonObject)
  }

  /** The same while nobody waits for that. */
  #say (signal: Signal): void {
    const sent = this.#send(signal)
    if (sent instanceof Promise) sent.catch((error: unknown) => this.#host.connections.log.error({ err: error }, 'a signal of a session'))
  }

  #fail (failure: CallFailure): void {
    this.#settle({ failure })
    this.end()
  }

  #take (frame: Frame): boolean {
    const text = String(frame.payload)
    switch (frame.type as News) {
      case 'answer':
        this.#phase = 'folding'
        this.#answer = text
        this.client.after(mostFoldingMs, () => this.#answered())
        // Candidates that came before it follow at once.
        this.#awaitQuiet(isComplete(text) ? 0 : quietMs)
        return true
      case 'candidate':
        if (this.#phase === 'folding' && this.#candidates.length < mostCandidates) {
          this.#candidates.push(JSON.parse(text) as Candidate)
          this.#awaitQuiet(quietMs)
        } else {
          // The client cannot be told any more.
          this.client.count('late_candidates')
        }
        return true
      case 'end':
        this.#answered()
        return true
      case 'bye':
      case 'refused':
        this.#settle({ failure: text === 'not_allowed' || text === 'impossible' ? text : 'absent' })
        this.client.close(closeCodes.normal)
        return true
      case 'trickle':
        return this.#phase === 'answered' && this.#trickle(JSON.parse(text) as Signal[])
      case 'delete':
        if (this.#phase !== 'answered') return false
        this.end()
        return true
      default:
        return false
    }
  }

  #trickle (signals: readonly Signal[]): true {
    for (const signal of signals) this.#say(signal)
    return true
  }

  #awaitQuiet (ms: number): void {
    this.#cancelQuiet()
    const { timers } = this.#host.connections
    const since = timers.now()
    this.#cancelQuiet = this.client.after(ms, () => {
      // The silence was ours: what came meanwhile may still be on its way.
      if (timers.stoodStillUntil >= since) this.#awaitQuiet(ms)
      else this.#answered()
    })
  }

  #answered (): void {
    if (this.#phase !== 'folding') return
    this.#cancelQuiet()
    this.#phase = 'answered'
    this.client.after(maxAgeMs, () => this.forget(closeCodes.timeout))
    this.#settle({ answer: fold(this.#answer, this.#candidates) })
    this.#answer = ''
    this.#candidates = []
    this.#host.began(this)
  }
}
