import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { NodesAnswer, PeersAnswer, PeerSummary } from '../../routes/admin/console-schema.js'
import { get } from './api.js'
import { useRepeated } from './hooks.js'
import type { Live } from './live.js'
import { PeerDetails } from './peer.js'
import { count, duration, plural } from './words.js'

const rowPx = 44
/** Rows beyond the window, above and below. */
const spare = 8
const pageSize = 1_000
/** Pages that are loaded: more rows than anybody reads. */
const maxPages = 50
/** Between two looks, in ms: at least so much, and so much for each page. */
const [leastMs, pageMs] = [4_000, 1_000]

const columns = [
  ['id', 'Peer', (peer: PeerSummary) => peer.id ?? ''],
  ['room', 'Room', (peer: PeerSummary) => peer.room ?? ''],
  ['address', 'Address', (peer: PeerSummary) => peer.address],
  ['age', 'Age', (peer: PeerSummary) => -peer.openedAt],
  ['in', 'In', (peer: PeerSummary) => peer.received],
  ['out', 'Out', (peer: PeerSummary) => peer.sent]
] as const
type Column = typeof columns[number][0]
type Sorting = { readonly by: Column, readonly isDown: boolean } | undefined

/** Up, then down, then as they came. */
function nextOf (sorting: Sorting, by: Column): Sorting {
  if (sorting?.by !== by) return { by, isDown: false }
  return sorting.isDown ? undefined : { by, isDown: true }
}

interface PeersProps {
  readonly live: Live
  readonly nodes: NodesAnswer | undefined
  /** The room whose peers are shown; '' for all. */
  readonly room: string
}

/** All peers of all nodes. */
export function Peers ({ live, nodes, room }: PeersProps) {
  const [peers, set] = useState<readonly PeerSummary[]>()
  const [error, fail] = useState('')
  const [words, search] = useState('')
  const [sorting, sort] = useState<Sorting>()
  const [opened, open] = useState<PeerSummary>()
  const names = nodes?.nodes.map(({ node }) => node).join() ?? ''
  const reload = useRepeated(async () => {
    if (names === '') return 500
    try {
      const { all, pages } = await load(names.split(','), room, peers === undefined ? set : undefined)
      set(all)
      fail('')
      return Math.max(leastMs, pages * pageMs)
    } catch (error) {
      fail((error as Error).message)
      return leastMs
    }
  }, [names, room])
  const shown = useMemo(() => arranged(peers ?? [], words, sorting), [peers, words, sorting])
  const now = live.now

  return (
    <div class='stack'>
      <div class='bar'>
        <h2>Peers</h2>
        <p class='muted' role='status'>
          {peers === undefined ? 'Loading…' : [...new Set([shown.length, peers.length])].map(count).join(' of ')}
        </p>
        <input
          type='search'
          aria-label='Filter peers'
          placeholder='Filter by id, room, address…'
          value={words}
          onInput={({ currentTarget }) => search(currentTarget.value)}
        />
      </div>
      {room !== '' && <p>Only those in <code>{room}</code>. <a href='#peers'>Show all</a></p>}
      {error !== '' && <p role='alert' class='bad'>The list may be old. {error}</p>}
      <div class='card list'>
        <div class='row head'>
          {columns.map(([name, title]) => (
            <button
              key={name}
              type='button'
              class={`quiet cell-${name}`}
              aria-pressed={sorting?.by === name}
              onClick={() => sort(nextOf(sorting, name))}
            >
              {title}{sorting?.by === name && (sorting.isDown ? ' ↓' : ' ↑')}
            </button>
          ))}
        </div>
        <Rows rows={shown} now={now} open={open} />
        {peers !== undefined && shown.length === 0 && (
          <p class='empty'>
            {peers.length === 0 ? 'Nobody is connected. As soon as a client is, it is listed here.' : 'Nobody fits. Try fewer letters.'}
          </p>
        )}
      </div>
      {opened !== undefined && (
        <PeerDetails
          live={live}
          peer={peers?.find(({ connection, room, id }) => connection === opened.connection && room === opened.room && id === opened.id)}
          opened={opened}
          onClose={() => open(undefined)}
          onClosed={reload}
        />
      )}
    </div>
  )
}

interface RowsProps {
  readonly rows: readonly PeerSummary[]
  readonly now: number
  readonly open: (peer: PeerSummary) => void
}

/** Only the rows in sight are there. */
function Rows ({ rows, now, open }: RowsProps) {
  const place = useRef<HTMLDivElement>(null)
  const [sight, see] = useState({ top: 0, height: 600 })
  useEffect(() => {
    const element = place.current as HTMLDivElement
    const look = (): void => see({ top: element.scrollTop, height: element.clientHeight })
    const resizing = new ResizeObserver(look)
    resizing.observe(element)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      resizing.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [])
  const first = Math.max(0, Math.floor(sight.top / rowPx) - spare)
  const end = Math.min(rows.length, Math.ceil((sight.top + sight.height) / rowPx) + spare)
  return (
    <div class='rows' ref={place} tabIndex={0} role='region' aria-label={`List of ${plural(rows.length, 'peer')}`}>
      <ul style={{ height: `${rows.length * rowPx}px` }}>
        {rows.slice(first, end).map((peer, at) => (
          <li
            key={keyOf(peer)}
            style={{ transform: `translateY(${(first + at) * rowPx}px)` }}
            aria-posinset={first + at + 1}
            aria-setsize={rows.length}
          >
            <button type='button' class='row quiet' onClick={() => open(peer)}>
              <span class='cell-id'>{peer.id ?? <i class='muted'>no id yet</i>}</span>
              <span class='cell-room muted'>{peer.room ?? peer.dialect ?? 'no dialect yet'}</span>
              <span class='cell-address muted'>{peer.address}</span>
              <span class='cell-age'>{duration(now - peer.openedAt)}</span>
              <span class='cell-in'>{count(peer.received)}</span>
              <span class='cell-out'>{count(peer.sent)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

const keyOf = ({ connection, room, id }: PeerSummary): string => `${connection} ${room} ${id}`

/** All peers of some nodes, page by page. `tell` hears of those that are there already. */
async function load (nodes: readonly string[], room: string, tell: (peers: readonly PeerSummary[]) => void = () => {}) {
  const all: PeerSummary[] = []
  let pages = 0
  for (const node of nodes) {
    let after: string | undefined
    do {
      const page: PeersAnswer = await get('peers', { node, room, limit: pageSize, after })
      all.push(...page.peers)
      pages++
      if (all.length > 0) tell([...all])
      after = page.next
    } while (after !== undefined && pages < maxPages)
  }
  return { all, pages }
}

function arranged (peers: readonly PeerSummary[], words: string, sorting: Sorting): readonly PeerSummary[] {
  const wanted = words.trim().toLowerCase()
  const fits = ({ id = '', room = '', subject = '', address }: PeerSummary): boolean => {
    return `${id}\n${room}\n${subject}\n${address}`.toLowerCase().includes(wanted)
  }
  const fitting = wanted === '' ? peers : peers.filter(fits)
  const column = columns.find(([name]) => name === sorting?.by)
  if (column === undefined) return fitting
  const [, , valueOf] = column
  const sign = sorting?.isDown === true ? -1 : 1
  return [...fitting].sort((one, other) => {
    const [first, second] = [valueOf(one), valueOf(other)]
    return first === second ? 0 : first < second ? -sign : sign
  })
}
