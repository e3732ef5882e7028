import { useState } from 'preact/hooks'
import type { RoomsAnswer } from '../../routes/admin/console-schema.js'
import { get } from './api.js'
import { useRepeated } from './hooks.js'
import { count, plural } from './words.js'

const limit = 200
const againMs = 5_000

/** The rooms that have peers, the largest first. */
export function Rooms () {
  const [answer, set] = useState<RoomsAnswer>()
  const [error, fail] = useState('')
  const [words, search] = useState('')
  useRepeated(async () => {
    try {
      set(await get<RoomsAnswer>('rooms', { search: words.trim(), limit }))
      fail('')
    } catch (error) {
      fail((error as Error).message)
    }
    return againMs
  }, [words])
  const { rooms = [], total = 0 } = answer ?? {}
  const largest = rooms[0]?.peers ?? 1
  return (
    <div class='stack'>
      <div class='bar'>
        <h2>Rooms</h2>
        <p class='muted' role='status'>
          {answer === undefined ? 'Loading…' : total > limit ? `the largest ${limit} of ${count(total)}` : count(total)}
        </p>
        <input
          type='search'
          aria-label='Filter rooms'
          placeholder='Filter by name…'
          value={words}
          onInput={({ currentTarget }) => search(currentTarget.value)}
        />
      </div>
      {error !== '' && <p role='alert' class='bad'>The list may be old. {error}</p>}
      <ul class='card rooms'>
        {rooms.map(({ room, peers, nodes }) => (
          <li key={room}>
            <a href={`#peers/${encodeURIComponent(room)}`}><code>{room}</code></a>
            <span class='share' aria-hidden='true'><i style={{ width: `${Math.max(1, peers / largest * 100)}%` }} /></span>
            <span>{plural(peers, 'peer')}{nodes > 1 && ` on ${nodes} nodes`}</span>
          </li>
        ))}
        {answer !== undefined && rooms.length === 0 && (
          <li class='empty'>{words === '' ? 'No room has peers. As soon as one has, it is listed here.' : 'No room fits.'}</li>
        )}
      </ul>
    </div>
  )
}
