import { useState } from 'preact/hooks'
import type { Entry, Live } from './live.js'
import { clock, count, plural } from './words.js'

const kinds = [
  ['all', 'All', () => true],
  ['refused', 'Refusals', ({ event }: Entry) => event === 'refused'],
  ['ends', 'Ends', ({ event }: Entry) => ['leave', 'ended', 'takeover', 'kicked', 'drained'].includes(event)],
  ['operators', 'Administrators', ({ event, by }: Entry) => event === 'traced' || by !== undefined]
] as const
const maxShown = 200
const bad = new Set(['refused', 'kicked'])

/** What the audit trail has recorded since the page was opened. */
export function Events ({ live }: { readonly live: Live }) {
  const [chosen, choose] = useState<typeof kinds[number][0]>('all')
  const fits = kinds.find(([kind]) => kind === chosen)?.[2] ?? (() => true)
  const entries = live.entries.filter(fits).slice(0, maxShown)
  return (
    <div class='stack'>
      <div class='bar'>
        <h2>Events</h2>
        <p class='muted'>since this page was opened</p>
        <div class='choices' role='group' aria-label='Show'>
          {kinds.map(([kind, name]) => (
            <button key={kind} type='button' aria-pressed={kind === chosen} onClick={() => choose(kind)}>{name}</button>
          ))}
        </div>
      </div>
      {live.omitted > 0 && <p class='warn'>{plural(live.omitted, 'event')} came faster than they can be shown, and are left out.</p>}
      <ol class='card events'>
        {entries.map((entry) => <Item key={entry.number} {...entry} />)}
        {entries.length === 0 && (
          <li class='empty'>Nothing yet. Connections, refusals and what administrators do are listed as they happen.</li>
        )}
      </ol>
    </div>
  )
}

function Item ({ time, event, dialect, id, room, address, subject, code, reason, by, omitted, node }: Entry) {
  const who = id ?? subject
  const facts = [
    room ?? dialect,
    code !== undefined && String(code),
    reason,
    by !== undefined && `by ${by}`,
    omitted !== undefined && `${count(omitted)} like it left out`
  ].filter(Boolean)
  return (
    <li>
      <time>{clock(time)}</time>
      <span class={`pill ${bad.has(event) ? 'bad' : ''}`}>{event}</span>
      <span class='who'>{who ?? <i class='muted'>{address ?? 'somebody'}</i>}</span>
      <span class='muted facts'>{facts.join(' · ')}</span>
      <span class='muted from' title={`Node ${node}`}>{who === undefined ? '' : address}</span>
    </li>
  )
}
