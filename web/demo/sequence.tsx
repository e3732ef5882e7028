import type { TargetedEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Role } from './bridge.js'
import type { FrameRow, Row } from './session.js'

const nearEndPx = 40
const ends: Readonly<Record<Role, readonly [string, string]>> = {
  camera: ['Drone', 'PeerJS'],
  viewer: ['PeerJS', 'Drone']
}

/** Each frame of this page's signaling, as an arrow between those who talk. */
export function Sequence ({ rows, role }: { readonly rows: readonly Row[], readonly role: Role | undefined }) {
  const list = useRef<HTMLOListElement>(null)
  const isAtEnd = useRef(true)
  const [left, right] = role === undefined ? ['This page', 'Other page'] : ends[role]
  useEffect(() => { if (isAtEnd.current) list.current?.scrollTo(0, list.current.scrollHeight) }, [rows])

  // The last scroll may be told after the list has gone.
  function look ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: TargetedEvent<HTMLOListElement>): void {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearEndPx
  }

  return (
    <section class='card sequence' aria-labelledby='sequence'>
      <header>
        <h2 id='sequence'>Signaling</h2>
        <p class='muted small'>Each frame of this page, as it happens. Choose one to read it.</p>
      </header>
      <div class='row heads' aria-hidden='true'>
        <span class='when' />
        <span class='lanes'><span>{left}</span><span>Server</span><span>{right}</span></span>
        <span class='size' />
      </div>
      <ol ref={list} onScroll={look} tabIndex={0} aria-label='Frames'>
        {rows.map((row) => 'note' in row
          ? <li key={row.key} class='note'><span>{row.note}</span></li>
          : <Frame key={row.key} row={row} />)}
      </ol>
    </section>
  )
}

function Frame ({ row }: { readonly row: FrameRow }) {
  const { at, frame: { label, isRelayed, size, isError, content }, isSent } = row
  const [isOpen, open] = useState(false)
  const other = isRelayed ? 'the other page' : 'the server'
  const [from, to] = isSent ? ['this page', other] : [other, 'this page']
  return (
    <li class={isError ? 'error' : undefined}>
      <button type='button' class='row' aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        <span class='when'>{seconds(at)}</span>
        <span class='lanes'>
          <span class={`arrow ${isSent ? 'sent' : 'taken'} ${isRelayed ? 'relayed' : 'plain'}`}>
            <span class='label'>{label}</span><span class='unseen'> from {from} to {to} </span>
          </span>
        </span>
        <span class='size'>{bytes(size)}</span>
      </button>
      {isOpen && <pre tabIndex={0} aria-label={`Content of ${label}`}>{content}</pre>}
    </li>
  )
}

function seconds (ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function bytes (size: number): string {
  return size < 1000 ? `${size} B` : `${(size / 1000).toFixed(1)} kB`
}
