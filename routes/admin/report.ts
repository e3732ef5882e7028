import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { manifest } from '../../src/config/manifest.js'
import type { ClientConnection } from '../../src/connection/connection.js'
import { readinessOf } from '../health.js'
import type { Sample } from './console-schema.js'
import type { Draining, NodeStatus } from './node-schema.js'

/** The name of a connection, over all nodes. */
export function nameOf ({ number }: ClientConnection, node: string): string {
  return `${node}-${number}`
}

/** How this node does. */
export function nodeStatus (app: FastifyInstance): NodeStatus {
  const { config, connections, dialects, eventLoop, redis } = app.signalbox
  const { utilization, delayMs } = eventLoop.report
  const { counters } = app.state
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  const counts = new Map<string, number>()
  for (const { dialect } of connections) if (dialect !== undefined) counts.set(dialect, (counts.get(dialect) ?? 0) + 1)
  return {
    node: connections.node,
    host: hostname(),
    version: manifest.version,
    status: readinessOf(app),
    state: redis === undefined ? 'memory' : 'redis',
    uptime: process.uptime(),
    connections: connections.size,
    maxClients: config.MAX_CLIENTS,
    dialects: [...dialects.values()].map(({ name, traffic: { registrations } }) => {
      return { dialect: name, connections: counts.get(name) ?? 0, registrations }
    }),
    size: app.state.size(),
    ...(counters !== undefined && { counters }),
    memory: { rss, heapTotal, heapUsed, external },
    eventLoop: { utilization, delayMs: Math.max(0, delayMs) }
  }
}

/** Begins to drain this node, if it does not drain yet. */
export function drainNode (app: FastifyInstance, by: string | undefined): Draining {
  const { config: { DRAIN_MS: drainMs }, connections } = app.signalbox
  if (!connections.isDraining) {
    app.log.info({ by }, `admin: draining ${connections.size} sockets over ${drainMs} ms`)
    connections.drain(drainMs, by).catch((error: unknown) => app.log.error({ err: error }, 'drain'))
  }
  return { status: 'draining', connections: connections.size, drainMs }
}

/** What a node has counted since its start. */
export interface Totals {
  readonly at: number
  readonly time: number
  readonly connections: number
  readonly peers: number
  readonly received: number
  readonly sent: number
  readonly errors: number
  readonly refused: number
  readonly dropped: number
  readonly handled: number
  readonly handlingS: number
  readonly delayMs: number
  readonly utilization: number
  readonly closes: Readonly<Record<string, number>>
}

export function totalsOf (app: FastifyInstance): Totals {
  const { connections, dialects, eventLoop, timers } = app.signalbox
  const { counters } = connections
  const { delayMs, utilization } = eventLoop.report
  let [received, sent, errors] = [0, 0, 0]
  for (const { frames, traffic } of dialects.values()) {
    for (const frame of frames.values()) received += frame.received
    sent += sum(traffic.sent)
    errors += sum(traffic.errors)
  }
  const closes: Record<string, number> = {}
  for (const counter of [counters.closed, counters.left]) {
    for (const [code, count] of counter) closes[code] = (closes[code] ?? 0) + count
  }
  return {
    at: timers.now(),
    time: timers.timeOfDay(),
    connections: connections.size,
    peers: app.state.size().peers,
    received,
    sent,
    errors,
    refused: sum(counters.refused),
    dropped: sum(counters.dropped),
    handled: counters.handling.cumulated().at(-1) ?? 0,
    handlingS: counters.handling.sum,
    delayMs: Math.max(0, delayMs),
    utilization,
    closes
  }
}

/** What happened between two looks at a node. */
export function sampleBetween (node: string, before: Totals, now: Totals): Sample {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000)
  const rate = (name: 'received' | 'sent' | 'errors') => Math.round((now[name] - before[name]) / seconds * 10) / 10
  const handled = now.handled - before.handled
  const closes = Object.entries(now.closes)
    .map(([code, count]) => [code, count - (before.closes[code] ?? 0)] as const)
    .filter(([, count]) => count > 0)
  return {
    node,
    time: Math.round(now.time),
    connections: now.connections,
    peers: now.peers,
    received: rate('received'),
    sent: rate('sent'),
    errors: rate('errors'),
    refused: now.refused - before.refused,
    dropped: now.dropped - before.dropped,
    closes: Object.fromEntries(closes),
    handlingMs: handled === 0 ? 0 : (now.handlingS - before.handlingS) / handled * 1000,
    delayMs: now.delayMs,
    utilization: now.utilization
  }
}

function sum (counter: Iterable<[name: string, count: number]>): number {
  let total = 0
  for (const [, count] of counter) total += count
  return total
}
