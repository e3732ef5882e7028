import { collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client'
import type { Bridge } from './bridge/bridge.js'
import type { Connections } from './connection/connections.js'
import type { CompiledDialect } from './dialect/dialect.js'
import type { State, StateCounters } from './state/contract.js'
import type { EventLoop } from './telemetry/event-loop.js'
import type { Histogram } from './telemetry/histogram.js'

type Labels = Readonly<Record<string, string>>
type Series = ReadonlyArray<readonly [labels: Labels, value: number]>
/** One number for a metric without labels, else a number for each set of labels. */
type Reading = number | Series

/** Parts of a node that have metrics. */
export interface Measured {
  readonly state: State
  readonly connections: Connections
  readonly dialects: ReadonlyMap<string, CompiledDialect>
  readonly eventLoop: EventLoop
  readonly bridge?: Bridge | undefined
}

interface Meter {
  gauge (name: string, help: string, read: () => Reading, labelNames?: string[]): void
  counter (name: string, help: string, read: () => Reading, labelNames?: string[]): void
  histogram (name: string, help: string, histogram: Histogram): void
}

/** prom-client's defaults that list every open socket: 60 ms of a scrape with 24,000 of them. */
const slowDefaults = [
  'process_open_fds', 'nodejs_active_resources', 'nodejs_active_resources_total',
  'nodejs_active_handles', 'nodejs_active_handles_total', 'nodejs_active_requests', 'nodejs_active_requests_total'
]

let ofProcess: Registry | undefined

/** prom-client's metrics of the process. All apps in it share them, since nothing stops what they start. They do not keep it alive. */
function processMetrics (): Registry {
  if (ofProcess !== undefined) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  for (const name of slowDefaults) ofProcess.removeSingleMetric(name)
  return ofProcess
}

/** All metrics of a node and its process. Our own are plain numbers that are kept anyway, and read at a scrape. */
export function metricsOf ({ state, connections, dialects, eventLoop, bridge }: Measured): Registry {
  const registry = new Registry()
  const meter = meterOf(registry)
  ofConnections(meter, connections)
  ofTraffic(meter, dialects)
  meter.histogram(
    'signalbox_relay_latency_seconds',
    'From a frame’s arrival until it is handled: receivers’ sockets, or their node, have it',
    connections.counters.handling
  )
  meter.histogram('signalbox_event_loop_delay_seconds', 'Longest delay of the event loop in each tenth of a second', eventLoop.delays)
  ofState(meter, state)
  if (bridge !== undefined) ofBridge(meter, bridge)
  return Registry.merge([registry, processMetrics()])
}

function ofConnections ({ gauge, counter }: Meter, connections: Connections): void {
  const { counters } = connections
  gauge('signalbox_connections', 'Open sockets, by dialect', () => connectionsByDialect(connections), ['dialect'])
  counter('signalbox_closes_total', 'Sockets closed, by close code and side', () => [
    ...labelled(counters.closed, 'code', { by: 'server' }),
    ...labelled(counters.left, 'code', { by: 'client' })
  ], ['code', 'by'])
  counter('signalbox_refusals_total', 'Clients and requests refused, by reason', () => labelled(counters.refused, 'reason'), ['reason'])
  counter('signalbox_held_back_total', 'Times a socket exceeded `MESSAGE_RATE` and was read more slowly', () => counters.held)
  counter(
    'signalbox_drops_total',
    'Frames that reached neither a socket nor a mailbox, by reason',
    () => labelled(counters.dropped, 'reason'),
    ['reason']
  )
}

function ofTraffic ({ counter }: Meter, dialects: ReadonlyMap<string, CompiledDialect>): void {
  const each = (read: (dialect: CompiledDialect) => Series) => () => [...dialects.values()].flatMap(read)
  counter(
    'signalbox_registrations_total',
    'Ids registered and rooms joined, by dialect',
    each(({ name, traffic }) => [[{ dialect: name }, traffic.registrations]]),
    ['dialect']
  )
  counter('signalbox_frames_received_total', 'Valid frames received, by dialect and type', each(receivedByType), ['dialect', 'type'])
  counter(
    'signalbox_frames_sent_total',
    'Frames written to sockets, by dialect and type',
    each(({ name, traffic }) => labelled(traffic.sent, 'type', { dialect: name })),
    ['dialect', 'type']
  )
  counter(
    'signalbox_errors_total',
    'Errors sent to clients, by dialect and message',
    each(({ name, traffic }) => labelled(traffic.errors, 'error', { dialect: name })),
    ['dialect', 'error']
  )
  counter(
    'signalbox_dialect_events_total',
    'Events that dialects count themselves, by dialect and name',
    each(({ name, traffic }) => labelled(traffic.events, 'event', { dialect: name })),
    ['dialect', 'event']
  )
}

function ofBridge ({ counter }: Meter, { counters }: Bridge): void {
  counter(
    'signalbox_bridge_calls_total',
    'Calls of this node’s peers to other dialects, by both and what became of them',
    () => [...counters.calls].map(({ from, to, outcome, value }) => [{ from, to, outcome }, value]),
    ['from', 'to', 'outcome']
  )
  counter(
    'signalbox_bridge_signals_total',
    'Signals of this node’s peers to other dialects, by both',
    () => [...counters.signals].map(({ from, to, value }) => [{ from, to }, value]),
    ['from', 'to']
  )
}

function receivedByType ({ name, frames }: CompiledDialect): Series {
  return [...frames].filter(([, { received }]) => received > 0).map(([type, { received }]) => [{ type, dialect: name }, received])
}

function ofState ({ gauge, counter }: Meter, state: State): void {
  gauge('signalbox_peers', 'Peers registered on this node', () => state.size().peers)
  gauge('signalbox_rooms', 'Rooms with members on this node', () => state.size().rooms)
  gauge('signalbox_room_members_max', 'Members of the largest room, on this node', () => state.size().largestRoom)
  gauge('signalbox_mailboxes', 'Mailboxes with frames from this node', () => state.size().mailboxes)
  gauge('signalbox_mailbox_bytes', 'Bytes of frames in them', () => state.size().mailboxBytes)
  if (state.counters === undefined) return

  const count = (name: keyof StateCounters) => () => state.counters?.[name] ?? 0
  gauge('signalbox_ready', '1 while peers of other nodes can be reached', () => state.isReady ? 1 : 0)
  gauge('signalbox_redis_round_trip_seconds', 'Round trip of the last probe through Redis', () => count('roundTripMs')() / 1000)
  counter('signalbox_redis_reconnects_total', 'Times the connection to Redis was restored', count('reconnects'))
  counter(
    'signalbox_redis_messages_skipped_total',
    'Messages from Redis, or parts of them, that could not be read or handled',
    count('messagesSkipped')
  )
  counter('signalbox_redis_commands_refused_total', 'Commands that Redis answered with an error', count('commandsRefused'))
  counter('signalbox_lease_renewals_total', 'Leases renewed', count('renewals'))
  counter('signalbox_leases_lost_total', 'Leases found expired: this node stood still, or was cut off', count('leasesLost'))
  counter('signalbox_peers_restored_total', 'Registrations restored after a lost lease or connection', count('peersRestored'))
  counter('signalbox_nodes_reaped_total', 'Dead nodes whose peers this node removed', count('nodesReaped'))
  counter('signalbox_peers_reaped_total', 'Peers of dead nodes that this node removed', count('peersReaped'))
  counter(
    'signalbox_frames_dropped_total',
    'Frames from other nodes whose receiver had left; their senders are notified',
    count('framesDropped')
  )
}

function labelled (counter: Iterable<[name: string, count: number]>, label: string, others: Labels = {}): Series {
  return [...counter].map(([name, count]) => [{ [label]: name, ...others }, count])
}

function connectionsByDialect (connections: Connections): Series {
  const counts = new Map<string, number>()
  // A socket at the bare root has no dialect before its first frame.
  for (const { dialect = 'none' } of connections) counts.set(dialect, (counts.get(dialect) ?? 0) + 1)
  return [...counts].map(([dialect, count]) => [{ dialect }, count])
}

function meterOf (registry: Registry): Meter {
  const registers = [registry]
  return {
    gauge (name, help, read, labelNames = []) {
      const collect = () => fill(metric, read(), (labels, value) => metric.set(labels, value))
      const metric: Gauge = new Gauge({ name, help, labelNames, registers, collect })
    },
    counter (name, help, read, labelNames = []) {
      const collect = () => fill(metric, read(), (labels, value) => metric.inc(labels, value))
      const metric: Counter = new Counter({ name, help, labelNames, registers, collect })
    },
    histogram (name, help, histogram) {
      // prom-client's histogram would hash labels for every value. A registry uses no more of a metric than this.
      const type = 'histogram'
      const aggregator = 'sum'
      const get = async () => ({ name, help, type, aggregator, values: valuesOf(name, histogram) })
      registry.registerMetric({ name, help, type, aggregator, get } as unknown as Metric)
    }
  }
}

function fill (metric: Gauge | Counter, reading: Reading, set: (labels: Labels, value: number) => void): void {
  metric.reset()
  if (typeof reading === 'number') set({}, reading)
  else for (const [labels, value] of reading) set(labels, value)
}

function valuesOf (name: string, histogram: Histogram) {
  const { bounds, sum } = histogram
  const counts = histogram.cumulated()
  const total = counts.at(-1) ?? 0
  return [
    ...counts.map((value, at) => ({ metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf' }, value })),
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: total }
  ]
}
