import type { AuditEntry, RoomSummary } from '../../../routes/admin/console-schema.js'
import { printable } from '../printable.js'
import type { Overview, SeenNode } from './overview.js'
import { clock, count, inMib, inMs, short, upFor } from './words.js'

/** A line of the screen, in one style. */
export interface Line {
  readonly text: string
  readonly style?: 'bold' | 'heading' | 'dim' | 'bad'
}

export interface Shown {
  readonly overview: Overview
  readonly url: string
  readonly width: number
  readonly height: number
  /** What is wrong with the connection. */
  readonly trouble?: string | undefined
}

interface Column {
  readonly title: string
  /** Columns of a lower rank are left out last. */
  readonly rank: number
  readonly isNumber?: boolean
  /** At least, so that columns stay where they are. */
  readonly width?: number
  readonly of: (node: SeenNode) => string
}

const columns: readonly Column[] = [
  { title: 'NODE', rank: 0, of: ({ status }) => status.node },
  { title: 'HOST', rank: 7, of: ({ status }) => status.host.slice(0, 20) },
  { title: 'STATUS', rank: 1, width: 8, of: ({ status }) => status.status },
  { title: 'UP', rank: 6, isNumber: true, width: 7, of: ({ status }) => upFor(status.uptime) },
  { title: 'CONN', rank: 2, isNumber: true, width: 5, of: ({ status, sample }) => short(sample?.connections ?? status.connections) },
  { title: 'IN/S', rank: 3, isNumber: true, width: 5, of: ({ sample }) => sample === undefined ? '–' : short(sample.received) },
  { title: 'OUT/S', rank: 3, isNumber: true, width: 5, of: ({ sample }) => sample === undefined ? '–' : short(sample.sent) },
  { title: 'DELAY', rank: 4, isNumber: true, width: 6, of: ({ status, sample }) => inMs(sample?.delayMs ?? status.eventLoop.delayMs) },
  { title: 'BUSY', rank: 8, isNumber: true, width: 5, of: busy },
  { title: 'RSS', rank: 5, isNumber: true, width: 8, of: ({ status }) => inMib(status.memory.rss) },
  { title: 'CLIENTS OF', rank: 9, of: ({ status }) => dialectsOf(status.dialects) }
]

function busy ({ status, sample }: SeenNode): string {
  return `${Math.round((sample?.utilization ?? status.eventLoop.utilization) * 100)} %`
}

function dialectsOf (dialects: SeenNode['status']['dialects']): string {
  return dialects.filter(({ connections }) => connections > 0)
    .map(({ dialect, connections }) => `${dialect} ${short(connections)}`).join(', ')
}

/** The lines of the screen: as many as there is room for, each cut to its width, and without what would control the terminal. */
export function screen ({ overview, url, width, height, trouble }: Shown): Line[] {
  const nodes = nodeLines(overview, width)
  const rooms = roomLines(overview)
  const top: Line[] = [titleLine(overview, url, width), totalsLine(overview)]
  if (trouble !== undefined) top.push({ text: trouble, style: 'bad' })
  // Each part has a line above it. What is left is for the events.
  let left = height - top.length
  const parts: Array<readonly Line[]> = []
  for (const [part, most] of [[nodes, Math.max(2, left - 5)], [rooms, Math.min(6, left - nodes.length - 7)]] as const) {
    const shown = shortened(part, Math.min(most, left - 1))
    if (shown.length < 2) continue
    parts.push(shown)
    left -= shown.length + 1
  }
  if (left >= 3) parts.push([{ text: 'EVENTS', style: 'heading' }, ...overview.events(left - 2).map(eventLine)])
  const lines = [...top, ...parts.flatMap((part) => [{ text: '' }, ...part])]
  return lines.slice(0, height).map(({ text, ...rest }) => ({ text: [...printable(text)].slice(0, width).join(''), ...rest }))
}

function titleLine ({ nodes, time }: Overview, url: string, width: number): Line {
  const version = nodes?.nodes[0]?.version ?? ''
  const left = `Signalbox ${version}  ${url}`
  const right = `${time === 0 ? '' : clock(time)}  q quits`
  return { text: `${left}${' '.repeat(Math.max(2, width - left.length - right.length))}${right}`, style: 'bold' }
}

/** The totals, in words. */
export function totalsLine ({ totals, refused }: Overview): Line {
  const { connections, peers, received, sent, errors } = totals
  const text = `connections ${count(connections)}  peers ${count(peers)}  in ${short(received)}/s  out ${short(sent)}/s  ` +
    `errors ${short(errors)}/s  refused ${count(refused)}`
  return { text, ...((errors > 0 || totals.refused > 0) && { style: 'bad' }) }
}

function nodeLines (overview: Overview, width: number): Line[] {
  const { seen, nodes } = overview
  const all = columns.map((column) => {
    const cells = [column.title, ...seen.map(column.of)]
    return { ...column, cells, width: Math.max(column.width ?? 0, ...cells.map(({ length }) => length)) }
  })
  let used = -2
  const fitting = new Set<string>()
  for (const { title, width: own, rank } of all.toSorted((one, other) => one.rank - other.rank)) {
    // The last one may be cut.
    if (used + 2 + own > width && rank < 9) continue
    used += 2 + own
    fitting.add(title)
  }
  const row = (at: number): string => all.filter(({ title }) => fitting.has(title))
    .map(({ cells, width, isNumber }) => isNumber === true ? cells[at]?.padStart(width) : cells[at]?.padEnd(width)).join('  ').trimEnd()
  const lines = seen.map(({ status }, at): Line => ({ text: row(at + 1), ...(status.status !== 'ready' && { style: 'bad' }) }))
  if (nodes?.isComplete === false) lines.push({ text: 'Redis is away: other nodes cannot be seen', style: 'bad' })
  if (nodes !== undefined && nodes.silent > 0) lines.push({ text: `${nodes.silent} more do not answer`, style: 'bad' })
  return [{ text: row(0), style: 'heading' }, ...lines]
}

function roomLines ({ rooms: { rooms, total } }: Overview): Line[] {
  const line = ({ room, peers }: RoomSummary): Line => ({ text: `${short(peers).padStart(6)}  ${room}` })
  return [{ text: ` PEERS  LARGEST OF ${count(total)} ${total === 1 ? 'ROOM' : 'ROOMS'}`, style: 'heading' }, ...rooms.map(line)]
}

function eventLine ({ time, event, dialect, id, subject, room, address, code, reason, by, omitted }: AuditEntry): Line {
  const facts = [id ?? subject, room ?? dialect, address, code, reason, by === undefined ? undefined : `by ${by}`,
    omitted === undefined ? undefined : `${omitted} like it left out`]
  const isUnusual = event === 'refused' || event === 'kicked'
  const text = `${clock(time)}  ${event.padEnd(8)}  ${facts.filter((fact) => fact !== undefined).join('  ')}`
  return { text, ...(isUnusual && { style: 'bad' }) }
}

/** So many lines at most. If more are left out than one, the last says how many. */
function shortened (lines: readonly Line[], most: number): readonly Line[] {
  if (lines.length <= most || most < 1) return lines.slice(0, Math.max(0, most))
  return [...lines.slice(0, most - 1), { text: `… ${lines.length - most + 1} more`, style: 'dim' }]
}
