import { useState } from 'preact/hooks'
import type { PeerSummary } from '../../routes/admin/console-schema.js'
import { Copied } from '../shared/copied.js'
import { post } from './api.js'
import { Modal } from './dialogs.js'
import { Follow } from './follow.js'
import type { Live } from './live.js'
import { bytes, clock, count, duration } from './words.js'

interface DetailsProps {
  readonly live: Live
  /** As it is now; undefined once it has gone. */
  readonly peer: PeerSummary | undefined
  /** As it was when somebody looked closer. */
  readonly opened: PeerSummary
  readonly onClose: () => void
  readonly onClosed: () => void
}

/** One peer: who it is, what it does, and its end. */
export function PeerDetails ({ live, peer, opened, onClose, onClosed }: DetailsProps) {
  const [isFollowed, follow] = useState(false)
  const { id, room, dialect, subject, address, openedAt, idleMs, received, sent, bufferedBytes, connection } = peer ?? opened
  return (
    <Modal title={id ?? 'A client without an id'} className='sheet' onClose={onClose}>
      <p>
        <span class={`pill ${peer === undefined ? 'bad' : 'good'}`}>{peer === undefined ? 'Gone' : 'Connected'}</span>
      </p>
      <dl class='pairs'>
        <div><dt>Dialect</dt><dd>{dialect ?? 'none yet'}</dd></div>
        <div><dt>Room</dt><dd>{room === undefined ? 'none' : <code>{room}</code>}</dd></div>
        {subject !== undefined && <div><dt>Subject</dt><dd>{subject}</dd></div>}
        <div><dt>Address</dt><dd>{address}</dd></div>
        <div><dt>Connected</dt><dd>{duration(live.now - openedAt)} ago, at {clock(openedAt)}</dd></div>
        <div><dt>Last heard of</dt><dd>{duration(idleMs)} ago</dd></div>
        <div><dt>Frames</dt><dd>{count(received)} in, {count(sent)} out</dd></div>
        <div><dt>Unread by it</dt><dd>{bytes(bufferedBytes)}</dd></div>
      </dl>
      <Copied label='the name of the connection' text={connection} />
      {room !== undefined && id !== undefined && !isFollowed && (
        <section class='stack'>
          <h3>Follow its frames</h3>
          <p class='muted'>
            See each frame from and to it as it happens: type, size and outcome, never what is in it. It ends after ten minutes, and the
            audit trail records that you looked.
          </p>
          <div><button type='button' class='primary' onClick={() => follow(true)}>Follow</button></div>
        </section>
      )}
      {room !== undefined && id !== undefined && isFollowed && <Follow room={room} id={id} onStop={() => follow(false)} />}
      {peer !== undefined && <Closing connection={connection} onClosed={onClosed} />}
    </Modal>
  )
}

const maxReasonBytes = 123

function Closing ({ connection, onClosed }: { readonly connection: string, readonly onClosed: () => void }) {
  const [reason, say] = useState('')
  const [error, fail] = useState('')
  const isTooLong = new TextEncoder().encode(reason).length > maxReasonBytes
  async function close (event: Event): Promise<void> {
    event.preventDefault()
    try {
      await post(`connections/${connection}/close`, reason === '' ? {} : { reason })
      fail('')
      onClosed()
    } catch (error) {
      fail((error as Error).message)
    }
  }
  return (
    <form class='stack' onSubmit={close}>
      <h3>Close its connection</h3>
      <p class='muted'>It gets 1008 and the reason. It may connect again: to keep it out, stop renewing its token.</p>
      <div class='field'>
        <input
          aria-label='Reason'
          placeholder='Disconnected by an administrator'
          value={reason}
          onInput={({ currentTarget }) => say(currentTarget.value)}
        />
        <button class='danger' disabled={isTooLong}>Close it</button>
      </div>
      {isTooLong && <p class='bad'>A reason has at most {maxReasonBytes} bytes.</p>}
      {error !== '' && <p role='alert' class='bad'>It was not closed: {error}</p>}
    </form>
  )
}
