import { printable, printableJson } from '../printable.js'
import type { Overview } from './overview.js'
import { totalsLine } from './screen.js'
import { clock } from './words.js'

/** A second of the overview as one line of text. */
export function textLine (overview: Overview): string {
  const { seen, nodes, time } = overview
  const ready = seen.filter(({ status }) => status.status === 'ready').length
  return printable(`${clock(time)}  ${totalsLine(overview).text}  nodes ready ${ready}/${seen.length + (nodes?.silent ?? 0)}`)
}

/** The same as one line of JSON, with the events since the last one. */
export function jsonLine (overview: Overview): string {
  const { nodes, rooms, seen, time, totals } = overview
  return printableJson({
    time,
    ...totals,
    nodes: seen.map(({ status, sample }) => ({ ...status, ...(sample !== undefined && { sample }) })),
    silent: nodes?.silent,
    isComplete: nodes?.isComplete,
    rooms: rooms.rooms,
    events: overview.takeNew()
  })
}
