import type { ServerOptions } from 'node:http'

/**
 * Connections that the system queues for a listener until it accepts them, if the system allows this many. Past Node's 511 the system
 * drops connections silently when hundreds arrive at once, and honest clients among them retry only seconds later.
 */
export const backlog = 4_096

/** How long a client may take over each part of HTTP. In ms. A socket that has been upgraded is no request any more. */
export interface Timeouts {
  readonly handshakeTimeout: number
  readonly headersTimeout: number
  readonly requestTimeout: number
  /** From an upgrade request until the socket is a WebSocket, or refused. */
  readonly upgradeTimeout: number
  /** For a client to read an answer. */
  readonly answerTimeout: number
  /** Without a request, on the connection of a client and on that of a trusted proxy. */
  readonly idleTimeout: number
  readonly proxyIdleTimeout: number
  /** How often Node checks the above. */
  readonly connectionsCheckingInterval: number
}

export const defaultTimeouts: Timeouts = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  upgradeTimeout: 10_000,
  answerTimeout: 30_000,
  idleTimeout: 5_000,
  proxyIdleTimeout: 72_000,
  connectionsCheckingInterval: 1_000
}

/** Options of every server behind a gate. */
export function serverOptions (timeouts: Timeouts): ServerOptions & Pick<Timeouts, 'handshakeTimeout'> {
  // The gate checks the host: Node would answer all requests of one read before anybody can count them.
  return { ...timeouts, keepAliveTimeout: timeouts.idleTimeout, requireHostHeader: false }
}
