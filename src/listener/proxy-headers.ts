import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { RefusalReason } from '../telemetry/audit.js'
import type { Log } from '../telemetry/log.js'
import type { Timers } from '../timing/timers.js'
import { setPeerAddress } from './peer-address.js'
import { readProxyHeader } from './proxy-header.js'

/** How often deadlines are checked. In ms. */
const sweepMs = 1_000

export interface ProxyHeadersOptions {
  /** Whether a peer is a balancer, whose connections begin with a header. */
  readonly isBalancer: (address: string) => boolean
  /** For a header to come. In ms. */
  readonly headerTimeout: number
}

interface ProxyHeadersHost {
  readonly timers: Timers
  readonly log: Log
  readonly refused: (reason: RefusalReason, who: { readonly address: string | undefined }) => void
}

interface Waiting {
  readonly since: number
  /** Closes the connection, and counts it. */
  readonly refuse: (fault: string) => void
}

/**
 * Reads the PROXY protocol on connections from balancers, before TLS and HTTP see them, and gives each the address of its client. Other
 * connections pass as they are.
 */
export class ProxyHeaders {
  readonly #options: ProxyHeadersOptions
  readonly #host: ProxyHeadersHost
  readonly #waiting = new Map<Socket, Waiting>()
  /** Connections that have passed. A server may be given one twice. */
  readonly #passed = new WeakSet<Socket>()
  #isSweeping = false
  #hasWarned = false
  #isClosed = false

  constructor (options: ProxyHeadersOptions, host: ProxyHeadersHost) {
    this.#options = options
    this.#host = host
  }

  /** Holds a connection back from the listeners that a server has for it now. */
  standBefore (server: Server): void {
    const listeners = server.listeners('connection') as Array<(socket: Socket) => void>
    server.removeAllListeners('connection')
    const pass = (socket: Socket): void => {
      this.#passed.add(socket)
      for (const listener of listeners) listener.call(server, socket)
    }
    server.on('connection', (socket) => {
      const { remoteAddress: address = '' } = socket
      if (this.#passed.has(socket) || !this.#options.isBalancer(address)) pass(socket)
      else if (this.#isClosed) socket.destroy()
      else this.#read(socket, address, pass)
    })
  }

  /** Destroys the connections whose header has not come: they would keep a server from closing. */
  close (): void {
    this.#isClosed = true
    for (const socket of this.#waiting.keys()) socket.destroy()
  }

  #read (socket: Socket, address: string, pass: (socket: Socket) => void): void {
    let bytes: Buffer = Buffer.alloc(0)

    const leave = (): void => {
      this.#waiting.delete(socket)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', ignore)
    }

    const refuse = (fault: string): void => {
      leave()
      socket.on('error', ignore).destroy()
      if (!this.#isClosed) this.#refuse(address, fault)
    }

    const onEnd = (): void => refuse(bytes.length === 0 ? '' : 'it ended within a header')

    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      bytes = Buffer.concat([bytes, chunk])
      const header = readProxyHeader(bytes)
      if (header === 'incomplete') return
      if (header === 'invalid') return refuse('it did not begin with a header')
      leave()
      if (header.address !== undefined) setPeerAddress(socket, header.address)
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      pass(socket)
    }

    this.#waiting.set(socket, { since: this.#host.timers.now(), refuse })
    this.#scheduleSweep()
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', ignore)
  }

  /** Balancers check by opening a connection, too, without a word: that is counted, and nothing to warn of. */
  #refuse (address: string, fault: string): void {
    this.#host.refused('proxy_header', { address })
    if (this.#hasWarned || fault === '') return
    this.#hasWarned = true
    this.#host.log.warn({ address, reason: fault }, 'a connection from an address that TRUST_PROXY names was closed. With PROXY_PROTOCOL ' +
      'its first bytes must be a header of the PROXY protocol: turn that on at the balancer (HAProxy: send-proxy-v2), or name only ' +
      'balancers in TRUST_PROXY')
  }

  #scheduleSweep (): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    this.#host.timers.schedule(sweepMs, this.#sweep)
  }

  readonly #sweep = (): void => {
    this.#isSweeping = false
    const now = this.#host.timers.now()
    for (const { since, refuse } of this.#waiting.values()) {
      if (now - since >= this.#options.headerTimeout) refuse('no header came in time')
    }
    if (this.#waiting.size > 0) this.#scheduleSweep()
  }
}

function ignore (): void {}
