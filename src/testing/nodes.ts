import type { FastifyInstance } from 'fastify'
import type { CloseCode } from '../frame/close-codes.js'

/** The nodes that clients of the first of them are spread over. */
const spreads = new WeakMap<FastifyInstance, FastifyInstance[]>()

/** From now on clients that connect to the first of these nodes alternate between all of them, and `totals` of it adds them up. */
export function alternate (first: FastifyInstance, ...others: FastifyInstance[]): void {
  spreads.set(first, [first, ...others])
}

/** All of them. */
export function nodesOf (app: FastifyInstance): FastifyInstance[] {
  return spreads.get(app) ?? [app]
}

/** The node whose turn it is. */
export function nodeInTurn (app: FastifyInstance): FastifyInstance {
  const nodes = nodesOf(app)
  nodes.push(nodes.shift() as FastifyInstance)
  return nodes[0] as FastifyInstance
}

/** What a server counts. */
export interface Totals {
  /** Peers that are registered. */
  peers: number
  /** Sockets that are open. */
  sockets: number
  /** How many sockets the server has closed with a code. */
  closed: (code: CloseCode) => number
}

/** Of a server, or of all nodes that its clients alternate between. */
export function totals (app: FastifyInstance): Totals {
  const nodes = nodesOf(app)
  const sum = (of: (node: FastifyInstance) => number) => nodes.reduce((total, node) => total + of(node), 0)
  return {
    peers: sum(({ state }) => state.size().peers),
    sockets: sum(({ signalbox }) => signalbox.connections.size),
    closed: (code) => sum(({ signalbox }) => signalbox.connections.counters.closed.get(String(code)) ?? 0)
  }
}
