import fp from 'fastify-plugin'
import { Counter, Gauge, Registry } from 'prom-client'
import type { StateCounters } from '../src/state/contract.js'

type Labels = Readonly<Record<string, string>>

/** Of a metric that has no labels one number, else a number for each set of labels. */
type Reading = number | ReadonlyArray<readonly [labels: Labels, value: number]>

/** `GET /metrics` in the text format of Prometheus. What it tells are plain numbers that are kept anyway, read when it is asked. */
export default fp(async (app) => {
  const { connections } = app.signalbox
  const registry = new Registry()

  function gauge (name: string, help: string, read: () => Reading): void {
    const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => { metric.set(read() as number) } })
  }

  function counter (name: string, help: string, read: () => Reading, labelNames: string[] = []): void {
    const metric: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect () {
        metric.reset()
        const reading = read()
        if (typeof reading === 'number') metric.inc(reading)
        else for (const [labels, value] of reading) metric.inc(labels, value)
      }
    })
  }

  gauge('signalbox_connections', 'Open sockets', () => connections.size)
  counter('signalbox_closes_total', 'Sockets that the server closed, by close code', () => [...connections.closed].map(([code, count]) => [{ code: String(code) }, count]), ['code'])
  gauge('signalbox_peers', 'Peers registered on this node', () => app.state.size().peers)
  gauge('signalbox_rooms', 'Rooms that this node has members in', () => app.state.size().rooms)
  gauge('signalbox_mailboxes', 'Mailboxes that this node has kept frames in', () => app.state.size().mailboxes)
  gauge('signalbox_mailbox_bytes', 'Bytes of frames that this node has kept', () => app.state.size().mailboxBytes)

  if (app.state.counters !== undefined) {
    const count = (name: keyof StateCounters) => () => app.state.counters?.[name] ?? 0
    gauge('signalbox_ready', '1 while peers of other nodes can be reached', () => app.state.isReady ? 1 : 0)
    gauge('signalbox_redis_round_trip_seconds', 'What the last probe through Redis took, there and back', () => count('roundTripMs')() / 1000)
    counter('signalbox_redis_reconnects_total', 'Times the link to Redis came up again', count('reconnects'))
    counter('signalbox_lease_renewals_total', 'Leases renewed', count('renewals'))
    counter('signalbox_leases_lost_total', 'Leases found to have run out: this node stood still, or was cut off', count('leasesLost'))
    counter('signalbox_peers_restored_total', 'Registrations brought back after a lost lease or link', count('peersRestored'))
    counter('signalbox_nodes_reaped_total', 'Dead nodes whose peers this node removed', count('nodesReaped'))
    counter('signalbox_peers_reaped_total', 'Peers of dead nodes that this node removed', count('peersReaped'))
    counter('signalbox_frames_dropped_total', 'Frames from other nodes whose receiver had gone; their senders are told', count('framesDropped'))
  }

  app.get('/metrics', { onRequest: app.admission, schema: { hide: true } }, async (_request, reply) => {
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}, { name: 'metrics', fastify: '5.x', dependencies: ['signalbox', 'state', 'admission'] })
