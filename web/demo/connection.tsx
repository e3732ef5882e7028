import { useEffect, useState } from 'preact/hooks'
import type { Phase } from './session.js'
import { type Path, pathOf } from './stats.js'

const askEveryMs = 1_000

const meanings: Record<string, string> = {
  host: 'an address of the device itself',
  srflx: 'an address that a STUN server saw',
  prflx: 'an address that the other saw',
  relay: 'through a TURN server'
}

interface ConnectionProps {
  readonly connection: RTCPeerConnection | undefined
  readonly phase: Phase
  readonly hasSignaling: boolean
}

/** The states of the connection, and the candidate pair that it has chosen. */
export function Connection ({ connection, phase, hasSignaling }: ConnectionProps) {
  const [states, setStates] = useState<string[]>([])
  const [path, setPath] = useState<Path>()
  useEffect(() => {
    if (connection === undefined) return
    const ask = async () => {
      setStates([connection.connectionState, connection.iceConnectionState, connection.signalingState])
      setPath(await pathOf(connection))
    }
    const names = ['connectionstatechange', 'iceconnectionstatechange', 'signalingstatechange']
    for (const name of names) connection.addEventListener(name, ask)
    ask()
    const timer = setInterval(ask, askEveryMs)
    return () => {
      clearInterval(timer)
      for (const name of names) connection.removeEventListener(name, ask)
    }
  }, [connection, phase])
  const [state = '–', ice = '–', signaling = '–'] = states
  return (
    <section class='card stack connection' aria-labelledby='connection'>
      <h2 id='connection'>Connection</h2>
      <dl class='facts'>
        <div><dt>Server</dt><dd>{hasSignaling ? 'open' : 'closed'}</dd></div>
        <div><dt>Connection</dt><dd>{state}</dd></div>
        <div><dt>ICE</dt><dd>{ice}</dd></div>
        <div><dt>Descriptions</dt><dd>{signaling}</dd></div>
      </dl>
      <h3>Chosen candidate pair</h3>
      {path === undefined
        ? <p class='muted empty'>None yet. It is how the two pages reach each other.</p>
        : <ChosenPair {...path} />}
    </section>
  )
}

function ChosenPair ({ own, other, roundTrip, sent, received }: Path) {
  return (
    <>
      <dl class='pair'>
        {([['This page', own], ['Other page', other]] as const).map(([name, { type, protocol, address }]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd><strong>{type}</strong> {protocol}<br /><code>{address}</code><br /><span class='muted small'>{meanings[type]}</span></dd>
          </div>
        ))}
      </dl>
      <dl class='facts'>
        <div><dt>Round trip</dt><dd>{roundTrip === undefined ? '–' : `${roundTrip.toFixed(1)} ms`}</dd></div>
        <div><dt>Sent</dt><dd>{kilobytes(sent)}</dd></div>
        <div><dt>Received</dt><dd>{kilobytes(received)}</dd></div>
      </dl>
    </>
  )
}

function kilobytes (size: number): string {
  return `${(size / 1000).toFixed(1)} kB`
}
