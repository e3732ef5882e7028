import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { Identity, Permit } from './claims.js'
import { Connection, type ConnectionHost, type ConnectionLimits, type Log, type Speaks } from './connection.js'
import type { Handshake } from './dialect.js'
import { type CloseCode, closeCodes, closeReasons, unauthorized } from './errors.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Timers } from './timers.js'

/** How long a client may take to answer a close before its socket is cut. In ms. */
export const closeTimeoutMs = 3_000

const drainStepMs = 50

export interface ConnectionsOptions extends ConnectionLimits {
  readonly maxClients: number
}

/** All open connections of one process: how many there may be, and how they end when it does. */
export class Connections implements ConnectionHost {
  readonly limits: ConnectionsOptions
  readonly timers: Timers
  readonly log: Log
  /** How many were closed by us, by code. */
  readonly closed = new Map<CloseCode, number>()
  /** Checks the token with which a client stays longer, beside the certificate that it came with; absent without a JWT key. */
  verify?: (token: string, identity?: Identity) => MaybePromise<Permit | undefined>
  readonly #open = new Set<Connection>()
  #isDraining = false

  constructor (limits: ConnectionsOptions, timers: Timers, log: Log) {
    this.limits = limits
    this.timers = timers
    this.log = log
  }

  get size (): number {
    return this.#open.size
  }

  /** True from `drain` on: nothing new is let in. */
  get isDraining (): boolean {
    return this.#isDraining
  }

  /** Takes a socket that has just been upgraded; past `maxClients` it is closed with 1013 at once, during the drain with 1001, without a permit with 1008. */
  accept (socket: WebSocket, speaks: Speaks, { address, handshake, permit }: { address: string, handshake: Handshake, permit: Permit | undefined }): void {
    if (this.#isDraining || this.#open.size >= this.limits.maxClients) {
      // A handshake let in just before the drain ends here.
      return this.#turnAway(socket, this.#isDraining ? closeCodes.goingAway : closeCodes.tryAgainLater)
    }
    if (permit === undefined) {
      if ('unauthorized' in speaks && speaks.unauthorized !== undefined) socket.send(speaks.unauthorized)
      return this.#turnAway(socket, closeCodes.policy, unauthorized)
    }
    this.#open.add(new Connection(this, socket, speaks, { address, handshake, permit }))
  }

  #turnAway (socket: WebSocket, code: CloseCode, reason = closeReasons[code]): void {
    this.onClose(code)
    socket.close(code, reason)
  }

  forget = (connection: Connection): void => {
    this.#open.delete(connection)
  }

  onClose = (code: CloseCode): void => {
    this.closed.set(code, (this.closed.get(code) ?? 0) + 1)
  }

  /**
   * Lets nobody in any more and closes everybody with 1001, spread evenly over `ms` so that they do not all come back at
   * once elsewhere. Done when every socket has ended; one that does not answer is cut.
   */
  async drain (ms: number): Promise<void> {
    this.#isDraining = true
    const connections = [...this.#open]
    const startedAt = performance.now()
    let closed = 0
    while (closed < connections.length && this.#open.size > 0) {
      const share = ms === 0 ? 1 : (performance.now() - startedAt + drainStepMs) / ms
      const due = Math.min(connections.length, Math.ceil(connections.length * share))
      for (; closed < due; closed++) connections[closed]?.close(closeCodes.goingAway)
      if (closed < connections.length) await delay(drainStepMs)
    }
    const deadline = performance.now() + closeTimeoutMs
    while (this.#open.size > 0 && performance.now() < deadline) await delay(drainStepMs)
    for (const connection of this.#open) connection.terminate()
  }
}
