import { useMemo, useState } from 'preact/hooks'
import type { NodesAnswer, NodeStatus, Sample } from '../../routes/admin/console-schema.js'
import { post } from './api.js'
import { Chart, type Line } from './chart.js'
import { Asked } from './dialogs.js'
import { type Live } from './live.js'
import { bytes, count, duration, ms, plural, short } from './words.js'

const codeColours = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6']

const meanings = new Map<string, string>([
  ['1000', 'normal'], ['1001', 'going away'], ['1005', 'no code'], ['1006', 'broken off'], ['1008', 'policy'], ['1009', 'too large'],
  ['1013', 'try later'], ['4000', 'replaced'], ['4001', 'room expired'], ['4100', 'slow'], ['4101', 'timeout'], ['4102', 'token expired']
])

interface OverviewProps {
  readonly live: Live
  readonly nodes: NodesAnswer | undefined
  readonly reload: () => void
}

/** How all nodes do. */
export function Overview ({ live, nodes, reload }: OverviewProps) {
  const [chosen, choose] = useState('')
  const newest = Math.max(0, ...[...live.samples.values()].map((samples) => samples.at(-1)?.time ?? 0))
  const seconds = useMemo(() => merged(live, chosen), [newest, chosen])
  const last = seconds.at(-1)
  const dialects = dialectsOf(nodes?.nodes ?? [], chosen)
  return (
    <div class='stack'>
      <div class='bar'>
        <h2>Overview</h2>
        {(nodes?.nodes.length ?? 0) > 1 && (
          <select aria-label='Node' value={chosen} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            <option value=''>All nodes</option>
            {nodes?.nodes.map(({ node, host }) => <option key={node} value={node}>{host} · {node}</option>)}
          </select>
        )}
      </div>
      <dl class='tiles'>
        <Tile name='Connections' value={last && count(last.connections)} />
        <Tile name='Peers' value={last && count(last.peers)} />
        <Tile name='Frames in' value={last && `${short(last.received)}/s`} />
        <Tile name='Frames out' value={last && `${short(last.sent)}/s`} />
        <Tile name='Errors' value={last && `${short(last.errors)}/s`} isBad={(last?.errors ?? 0) > 0} />
        <Tile name='Refused, last 2 min' value={last && count(sum(seconds, 'refused'))} isBad={sum(seconds, 'refused') > 0} />
      </dl>
      <Charts seconds={seconds} />
      <section class='stack'>
        <div class='bar'>
          <h3>Nodes</h3>
          {nodes?.isComplete === false && <p class='warn'>Redis is away: other nodes cannot be seen.</p>}
          {(nodes?.silent ?? 0) > 0 && <p class='warn'>{plural(nodes?.silent ?? 0, 'more node does', 'more nodes do')} not answer.</p>}
        </div>
        <div class='nodes'>
          {nodes?.nodes.map((node) => <Node key={node.node} {...node} isHere={node.node === nodes.here} reload={reload} />)}
        </div>
      </section>
      <section class='stack'>
        <h3>Dialects</h3>
        <div class='card table-card'>
          <table>
            <thead>
              <tr><th scope='col'>Dialect</th><th scope='col'>Connections</th><th scope='col'>Registrations since the start</th></tr>
            </thead>
            <tbody>
              {dialects.map(({ dialect, connections, registrations }) => (
                <tr key={dialect}><th scope='row'>{dialect}</th><td>{count(connections)}</td><td>{count(registrations)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  )
}

interface TileProps {
  readonly name: string
  readonly value: string | undefined
  readonly isBad?: boolean
}

function Tile ({ name, value = '–', isBad = false }: TileProps) {
  return <div class='card'><dt>{name}</dt><dd class={isBad ? 'warn' : undefined}>{value}</dd></div>
}

function Charts ({ seconds }: { readonly seconds: readonly Sample[] }) {
  const charts = useMemo(() => {
    const times = seconds.map(({ time }) => time / 1000)
    const last = seconds.at(-1)
    const line = (name: string, colour: string, of: (sample: Sample) => number, now: (value: number) => string = short): Line => {
      return { name, colour, values: seconds.map(of), now: last === undefined ? '–' : now(of(last)) }
    }
    const codes = [...new Set(seconds.flatMap(({ closes }) => Object.keys(closes)))].sort().slice(0, codeColours.length)
    return {
      times,
      connections: [line('open', '--series-1', ({ connections }) => connections)],
      frames: [line('in', '--series-1', ({ received }) => received), line('out', '--series-2', ({ sent }) => sent)],
      delays: [
        line('event loop', '--series-3', ({ delayMs }) => delayMs, ms),
        line('a frame’s handling', '--series-2', ({ handlingMs }) => handlingMs, ms)
      ],
      closes: codes.map((code, at) => ({
        name: [code, meanings.get(code)].join(' ').trim(),
        colour: codeColours[at] as string,
        values: seconds.map(({ closes }) => closes[code] ?? 0),
        now: count(seconds.reduce((total, { closes }) => total + (closes[code] ?? 0), 0))
      }))
    }
  }, [seconds])
  return (
    <div class='charts'>
      <Chart title='Connections' times={charts.times} lines={charts.connections} />
      <Chart title='Frames a second' times={charts.times} lines={charts.frames} />
      <Chart title='Delay' times={charts.times} lines={charts.delays} unit=' ms' />
      <Chart title='Closes by code' times={charts.times} lines={charts.closes} isStacked />
    </div>
  )
}

const statuses = { ready: 'Ready', draining: 'Draining', 'no redis': 'No Redis' }

function Node (props: NodeStatus & { readonly isHere: boolean, readonly reload: () => void }) {
  const { node, host, version, status, uptime, connections, maxClients, memory, eventLoop, isHere, reload } = props
  const [isAsking, ask] = useState(false)
  return (
    <article class='card stack'>
      <header class='bar'>
        <h4>{host}</h4>
        {isHere && <span class='pill'>answers here</span>}
        <span class={`pill ${status === 'ready' ? 'good' : 'bad'}`}>{statuses[status]}</span>
      </header>
      <dl class='pairs'>
        <div><dt>Name</dt><dd><code>{node}</code></dd></div>
        <div><dt>Version</dt><dd>{version}</dd></div>
        <div><dt>Up for</dt><dd>{duration(uptime * 1000)}</dd></div>
        <div><dt>Connections</dt><dd>{count(connections)} of {count(maxClients)}</dd></div>
        <div><dt>Memory</dt><dd>{bytes(memory.rss)}</dd></div>
        <div><dt>Event loop</dt><dd>{Math.round(eventLoop.utilization * 100)} % busy</dd></div>
      </dl>
      <div><button type='button' disabled={status === 'draining'} onClick={() => ask(true)}>Drain…</button></div>
      {isAsking && (
        <Asked
          title={`Drain ${host}?`}
          verb='Drain'
          onDone={(isDone) => {
            ask(false)
            if (isDone) reload()
          }}
          work={async () => await post(`nodes/${node}/drain`)}
        >
          <p>
            The node lets nobody in any more and closes its {plural(connections, 'connection')} with 1001, spread over{' '}
            <code>DRAIN_MS</code>. Clients connect again elsewhere. Its process keeps running, and answers 503 at <code>/ready</code>,
            until you end it. This cannot be taken back.
          </p>
        </Asked>
      )}
    </article>
  )
}

/** The seconds of one node, or of all: sums, and of delays the longest. */
function merged (live: Live, chosen: string): Sample[] {
  const of = [...live.samples].filter(([node]) => chosen === '' || node === chosen).map(([, samples]) => samples)
  const [first = [], ...others] = of.sort((one, other) => other.length - one.length)
  if (others.length === 0) return first
  return first.map((sample) => {
    const sameSecond = ({ time }: Sample): boolean => Math.abs(time - sample.time) <= 750
    const same = others.map((samples) => samples.find(sameSecond)).filter((found) => found !== undefined)
    return same.reduce((total, next): Sample => ({
      ...total,
      connections: total.connections + next.connections,
      peers: total.peers + next.peers,
      received: total.received + next.received,
      sent: total.sent + next.sent,
      errors: total.errors + next.errors,
      refused: total.refused + next.refused,
      dropped: total.dropped + next.dropped,
      closes: added(total.closes, next.closes),
      handlingMs: Math.max(total.handlingMs, next.handlingMs),
      delayMs: Math.max(total.delayMs, next.delayMs),
      utilization: Math.max(total.utilization, next.utilization)
    }), sample)
  })
}

function added (one: Sample['closes'], other: Sample['closes']): Sample['closes'] {
  const codes = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...codes].map((code) => [code, (one[code] ?? 0) + (other[code] ?? 0)]))
}

function sum (seconds: readonly Sample[], name: 'refused'): number {
  return seconds.reduce((total, sample) => total + sample[name], 0)
}

function dialectsOf (nodes: readonly NodeStatus[], chosen: string): NodeStatus['dialects'] {
  const all = new Map<string, NodeStatus['dialects'][number]>()
  for (const { node, dialects } of nodes) {
    if (chosen !== '' && node !== chosen) continue
    for (const { dialect, connections, registrations } of dialects) {
      const known = all.get(dialect) ?? { dialect, connections: 0, registrations: 0 }
      all.set(dialect, { dialect, connections: known.connections + connections, registrations: known.registrations + registrations })
    }
  }
  return [...all.values()]
}
