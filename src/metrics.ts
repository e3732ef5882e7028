import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import type { Connections } from './connection/connections.js'
import type { CompiledDialect } from './dialect/dialect.js'
import type { Histogram } from './telemetry/histogram.js'
import type { State, StateCounters } from './state/contract.js'
import type { LabelCounter } from './telemetry/counter.js'

type Labels = Readonly<Record<string, string>>

/** Of a metric that has no labels one number, else a number for each set of labels. */
type Reading = number | ReadonlyArray<readonly [labels: Labels, value: number]>

/** What is measured. */
export interface Measured {
  readonly state: State
  readonly connections: Connections
  readonly dialects: ReadonlyMap<string, CompiledDialect>
  readonly loopDelay: Histogram
}

interface Meter {
  gauge (name: string, help: string, read: () => Reading, labelNames?: string[]): void
  counter (name: string, help: string, read: () => Reading, labelNames?: string[]): void
  histogram (name: string, help: string, histogram: Histogram): void
}

/** All metrics of a node. What they tell are plain numbers that are kept anyway, read when somebody asks. */
export function metricsOf ({ state, connections, dialects, loopDelay }: Measured): Registry {
  const registry = new Registry()
  const meter = meterOf(registry)
  ofConnections(meter, connections)
  ofTraffic(meter, dialects)
  meter.histogram('signalbox_relay_latency_seconds', 'From a frame’s arrival to the end of its handling, when receivers’ sockets or their node have it', connections.counters.handling)
  meter.histogram('signalbox_event_loop_delay_seconds', 'How late the event loop was, looked at 10 times a second', loopDelay)
  ofState(meter, state)
  return registry
}

function ofConnections ({ gauge, counter }: Meter, connections: Connections): void {
  const { counters } = connections
  gauge('signalbox_connections', 'Open sockets, by dialect', () => connectionsByDialect(connections), ['dialect'])
  counter('signalbox_closes_total', 'Sockets closed, by close code and by whom', () => [...labelled(counters.closed, 'code', { by: 'server' }), ...labelled(counters.left, 'code', { by: 'client' })], ['code', 'by'])
  counter('signalbox_refusals_total', 'Clients not let in, or not let do what they asked, by reason', () => labelled(counters.refused, 'reason'), ['reason'])
  counter('signalbox_held_back_total', 'Times a socket was over `MESSAGE_RATE` and not read for a while', () => counters.held)
  counter('signalbox_drops_total', 'Frames that reached neither a socket nor a mailbox, by reason', () => labelled(counters.dropped, 'reason'), ['reason'])
}

function ofTraffic ({ counter }: Meter, dialects: ReadonlyMap<string, CompiledDialect>): void {
  const each = (read: (dialect: CompiledDialect) => ReadonlyArray<readonly [Labels, number]>) => () => [...dialects.values()].flatMap(read)
  counter('signalbox_registrations_total', 'Ids registered and rooms joined, by dialect', each(({ name, traffic }) => [[{ dialect: name }, traffic.registrations]]), ['dialect'])
  counter('signalbox_frames_received_total', 'Frames that were understood, by dialect and type', each(({ name, frames }) => [...frames].filter(([, { received }]) => received > 0).map(([type, { received }]) => [{ type, dialect: name }, received])), ['dialect', 'type'])
  counter('signalbox_frames_sent_total', 'Frames handed to sockets, by dialect and type', each(({ name, traffic }) => labelled(traffic.sent, 'type', { dialect: name })), ['dialect', 'type'])
  counter('signalbox_errors_total', 'Errors that clients were told, by dialect and sentence', each(({ name, traffic }) => labelled(traffic.errors, 'error', { dialect: name })), ['dialect', 'error'])
}

function ofState ({ gauge, counter }: Meter, state: State): void {
  gauge('signalbox_peers', 'Peers registered on this node', () => state.size().peers)
  gauge('signalbox_rooms', 'Rooms that this node has members in', () => state.size().rooms)
  gauge('signalbox_room_members_max', 'Members that this node has in its fullest room', () => state.size().largestRoom)
  gauge('signalbox_mailboxes', 'Mailboxes that this node has kept frames in', () => state.size().mailboxes)
  gauge('signalbox_mailbox_bytes', 'Bytes of frames that this node has kept', () => state.size().mailboxBytes)
  if (state.counters === undefined) return

  const count = (name: keyof StateCounters) => () => state.counters?.[name] ?? 0
  gauge('signalbox_ready', '1 while peers of other nodes can be reached', () => state.isReady ? 1 : 0)
  gauge('signalbox_redis_round_trip_seconds', 'What the last probe through Redis took, there and back', () => count('roundTripMs')() / 1000)
  counter('signalbox_redis_reconnects_total', 'Times the link to Redis came up again', count('reconnects'))
  counter('signalbox_redis_messages_skipped_total', 'Messages from Redis, or parts of them, that were not understood or could not be handled', count('messagesSkipped'))
  counter('signalbox_redis_commands_refused_total', 'Commands that Redis answered with an error', count('commandsRefused'))
  counter('signalbox_lease_renewals_total', 'Leases renewed', count('renewals'))
  counter('signalbox_leases_lost_total', 'Leases found to have run out: this node stood still, or was cut off', count('leasesLost'))
  counter('signalbox_peers_restored_total', 'Registrations brought back after a lost lease or link', count('peersRestored'))
  counter('signalbox_nodes_reaped_total', 'Dead nodes whose peers this node removed', count('nodesReaped'))
  counter('signalbox_peers_reaped_total', 'Peers of dead nodes that this node removed', count('peersReaped'))
  counter('signalbox_frames_dropped_total', 'Frames from other nodes whose receiver had gone; their senders are told', count('framesDropped'))
}

function labelled (counter: LabelCounter, label: string, others: Labels = {}): Array<readonly [Labels, number]> {
  return [...counter].map(([name, count]) => [{ [label]: name, ...others }, count])
}

function connectionsByDialect (connections: Connections): ReadonlyArray<readonly [Labels, number]> {
  const counts = new Map<string, number>()
  // One at the bare root has not chosen yet.
  for (const { dialect = 'none' } of connections) counts.set(dialect, (counts.get(dialect) ?? 0) + 1)
  return [...counts].map(([dialect, count]) => [{ dialect }, count])
}

function meterOf (registry: Registry): Meter {
  return {
    gauge (name, help, read, labelNames = []) {
      const metric: Gauge = new Gauge({ name, help, labelNames, registers: [registry], collect () { fill(metric, read(), (labels, value) => metric.set(labels, value)) } })
    },
    counter (name, help, read, labelNames = []) {
      const metric: Counter = new Counter({ name, help, labelNames, registers: [registry], collect () { fill(metric, read(), (labels, value) => metric.inc(labels, value)) } })
    },
    histogram (name, help, histogram) {
      // Its own would hash labels for every value; a registry asks of a metric no more than this.
      const metric = { name, help, type: 'histogram', aggregator: 'sum', get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: valuesOf(name, histogram) }) }
      registry.registerMetric(metric as unknown as Metric)
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
