import { useEffect, useRef, useState } from 'preact/hooks'
import type { TracedEntry } from '../../routes/admin/console-schema.js'
import { stream } from './api.js'
import { bytes, clock } from './words.js'

const maxFrames = 500
const followedMs = 600_000

interface FollowProps {
  readonly room: string
  readonly id: string
  readonly onStop: () => void
}

const ends: Readonly<Record<string, string>> = {
  time: 'Ten minutes are over.', token: 'Your token has expired.', closing: 'The server is closing.'
}

/** The frames of a peer, as a sequence. */
export function Follow ({ room, id, onStop }: FollowProps) {
  const [frames, set] = useState<readonly TracedEntry[]>([])
  const [omitted, omit] = useState(0)
  const [end, finish] = useState('')
  const [startedAt] = useState(Date.now)
  const list = useRef<HTMLOListElement>(null)

  useEffect(() => {
    const stopping = new AbortController()
    const run = async (): Promise<void> => {
      for await (const { event, data } of stream(`follow?${new URLSearchParams({ room, id })}`, stopping.signal)) {
        if (event === 'frame') set((frames) => inOrder([...frames, data as TracedEntry]))
        else if (event === 'omitted') omit((count) => count + (data as { records: number }).records)
        else if (event === 'end') return finish(ends[(data as { reason: string }).reason] ?? 'It has ended.')
      }
      finish('The connection to the server was lost.')
    }
    run().catch((error: Error) => { if (!stopping.signal.aborted) finish(error.message) })
    return () => stopping.abort()
  }, [room, id])
  // The newest is in sight, unless somebody has scrolled up.
  useEffect(() => {
    const element = list.current
    if (element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < 200) element.scrollTop = element.scrollHeight
  }, [frames])

  const leftS = Math.max(0, Math.ceil((startedAt + followedMs - Date.now()) / 1000))
  return (
    <section class='stack'>
      <div class='bar'>
        <h3>Its frames</h3>
        <span class='muted'>{end === '' ? `${Math.floor(leftS / 60)}:${String(leftS % 60).padStart(2, '0')} left` : end}</span>
        <button type='button' onClick={onStop}>{end === '' ? 'Stop' : 'Hide'}</button>
      </div>
      {omitted > 0 && <p class='warn'>{omitted} frames came faster than they can be shown, and are left out.</p>}
      {frames.length === 0 && end === '' && <p class='muted'>Waiting for its next frame…</p>}
      <ol class='frames' ref={list} tabIndex={0} aria-label='Frames, the newest last'>
        {frames.map((frame, at) => <TracedFrame key={`${frame.time} ${at}`} id={id} {...frame} />)}
      </ol>
    </section>
  )
}

const wellKnown = new Set(['sent', 'handled', 'kept'])

function TracedFrame ({ id, time, type, bytes: size, from, to, receivers, outcome }: TracedEntry & { readonly id: string }) {
  if (size === undefined) return <li class='note'><time>{clock(time)}</time><span>{type}{outcome !== type && ` · ${outcome}`}</span></li>
  const isOut = from === id
  const other = receivers !== undefined ? `${receivers} in the room` : (isOut ? to : from) ?? 'server'
  return (
    <li class={isOut ? 'sends' : 'gets'}>
      <time>{clock(time)}</time>
      <span class='arrow'><b>{type}</b></span>
      <span class='other'>{other}</span>
      <span class={`outcome ${wellKnown.has(outcome) ? 'muted' : 'bad'}`}>{bytes(size)} · {outcome}</span>
    </li>
  )
}

/** Those of several nodes, and those that waited for Redis, come a little later than they were sent. */
function inOrder (frames: TracedEntry[]): readonly TracedEntry[] {
  return frames.sort((one, other) => one.time - other.time).slice(-maxFrames)
}
