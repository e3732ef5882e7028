import type { Role } from './bridge.js'
import type { Shown } from './session.js'

interface StateProps {
  readonly shown: Shown
  /** Whether another page's link was followed. */
  readonly isGuest: boolean
  readonly role: Role | undefined
  readonly again: () => void
  readonly startOver: () => void
}

/** In which state the call is, and what to do in it. */
export function State ({ shown, isGuest, role, again, startOver }: StateProps) {
  const { phase } = shown
  const [what, todo] = wordsFor(shown, isGuest, role)
  return (
    <section class={`card state ${phase}`} aria-label='State'>
      <div role='status'>
        <h2>{what}</h2>
        <p class='muted'>{todo}</p>
      </div>
      {(phase === 'stopped' || (phase === 'gone' && isGuest) || shown.isSlow) && (
        <div class='line'>
          <button class='primary' type='button' onClick={again}>Connect again</button>
          {isGuest && <button type='button' onClick={startOver}>Start over with a link of my own</button>}
        </div>)}
    </section>
  )
}

function wordsFor ({ phase, trouble, isSlow, hasSignaling }: Shown, isGuest: boolean, role: Role | undefined): [string, string] {
  switch (phase) {
    case 'starting': return ['Connecting to the server …', 'This takes a moment.']
    case 'waiting': return ['Waiting for the other page', 'Open the link below in another tab, or scan the code with a phone.']
    case 'connecting': return isSlow
      ? ['No answer yet', 'The other page may be closed, asleep or in another call. It may still answer.']
      : ['Connecting to the other page …', 'The two look for a way to each other.']
    case 'connected': return ['Connected', hasSignaling
      ? role === undefined ? 'Write something, or show your camera. None of it passes through the server.' : connected[role]
      : 'The server is gone, but the call goes on without it.']
    case 'gone': return ['The other page has gone', isGuest
      ? 'It was closed, or lost its network.'
      : 'It was closed, or lost its network. The link below still works.']
    case 'stopped': return [trouble?.what ?? '', trouble?.todo ?? '']
  }
}

const connected: Readonly<Record<Role, string>> = {
  camera: 'The PeerJS page sees this camera. The pictures do not pass through the server.',
  viewer: 'You see a camera that speaks drone. The pictures do not pass through the server.'
}
