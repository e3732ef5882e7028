import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import type { HonestClient } from './honest-client.js'
import { type Signal, signalFrame, signalIn } from './honest-dialects.js'

const sdp = `v=0 ${'x'.repeat(1000)}`

export interface Events {
  /** Called with each signal that arrives, once and in order. */
  onSignal (signal: Signal): void
  /** Called with what goes wrong: a close, an error frame, a signal twice or out of order. */
  onTrouble (what: string): void
}

/** Two honest clients of a dialect that signal to each other in turns, about 1 KB each. */
export class Conversation {
  readonly dialect: ClientDialect
  readonly clients: readonly [HonestClient, HonestClient]
  /** Signals of both. */
  sent = 0
  received = 0
  readonly #events: Events
  /** The number of the last signal that arrived from either. */
  readonly #last: [number, number] = [-1, -1]

  constructor (dialect: ClientDialect, clients: readonly [HonestClient, HonestClient], events: Events) {
    this.dialect = dialect
    this.clients = clients
    this.#events = events
    const [first, second] = clients
    for (const [client, partner] of [[first, second], [second, first]] as const) {
      client.onFrame = (data) => this.#receive(partner.id, data)
      client.socket.on('close', (code) => events.onTrouble(`closed with ${code}`))
    }
  }

  /** Sends the next signal, from the one whose turn it is. On a closed socket it is lost. */
  send (): void {
    const n = this.sent++
    const [from, to] = n % 2 === 0 ? this.clients : [this.clients[1], this.clients[0]]
    from.send(signalFrame(this.dialect, to.id, { from: from.id, n, at: performance.now(), sdp }))
  }

  #receive (from: string, data: Buffer): void {
    if (!data.includes('v=0 x')) {
      const text = data.length < 300 ? data.toString() : ''
      if (/"type":"(error|EXPIRE|LEAVE)"/i.test(text)) this.#events.onTrouble(text)
      return
    }
    const signal = signalIn(this.dialect, JSON.parse(data.toString()) as Frame, from)
    // A stranger may have guessed the room.
    if (signal === undefined) return
    const side = signal.n % 2
    if (signal.n <= (this.#last[side] as number)) return this.#events.onTrouble('a signal twice, or out of order')
    this.#last[side] = signal.n
    this.received++
    this.#events.onSignal(signal)
  }
}
