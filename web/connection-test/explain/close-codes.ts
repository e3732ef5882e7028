import { type Closed, unanswered } from '../socket.js'
import type { Explanation } from './explanation.js'

const again = 'Run the test again in a moment.'

const meanings: Readonly<Record<number, Explanation>> = {
  [unanswered]: {
    what: 'No frame comes back within 10 s.',
    change: ['A proxy on the way holds frames back: see that it treats this as a WebSocket, and does not buffer.']
  },
  1000: { what: 'The server ended the connection, which its dialect had finished.', change: [again] },
  1001: { what: 'The server is restarting.', change: [again, 'If it stays so, the server’s log says what stops it.'] },
  1006: {
    what: 'The connection was cut without a close code, so not by Signalbox.',
    change: ['Look at the proxy’s log, and whether the server’s process was killed.']
  },
  1008: {
    what: 'The server refuses this client.',
    change: ['The audit trail says why (docs/audit.md).']
  },
  1009: { what: 'A frame was too large.', change: ['Raise `MAX_PAYLOAD`.'] },
  1011: { what: 'The server failed.', change: ['Its log says why.'] },
  1013: {
    what: 'The server is full, or this address has too many connections.',
    change: [
      'Raise `MAX_CLIENTS` or `MAX_CLIENTS_PER_ADDRESS`.',
      'If this happens to everybody, `TRUST_PROXY` does not name the proxy, and all clients count as one address (docs/deploy.md).'
    ]
  },
  4000: { what: 'Another connection took this one’s id.', change: [again] },
  4001: { what: 'The room expired.', change: ['`ROOM_TIMEOUT_MS` says after how long rooms do.'] },
  4100: {
    what: 'This client read too slowly.',
    change: ['The network is slower than what is sent. `MAX_BUFFERED` says how much may wait.']
  },
  4101: {
    what: 'The server’s pings were not answered.',
    change: ['A proxy on the way holds back WebSocket pings or pongs: it must pass them on.']
  },
  4102: { what: 'The token expired while the socket was open.', change: ['Take a token that is valid for longer.'] }
}

/** Why a socket that had opened was closed, and what to change. */
export function explainClose ({ code, reason }: Closed): Explanation {
  if (code === 1008 && reason === 'Unauthorized') {
    return {
      what: 'The server does not accept the token.',
      change: [
        'Take a token that has not expired, and that is signed with the key of `JWT_SECRET`, `JWT_PUBLIC_KEY` or `JWKS_URL`.',
        'If `JWT_ISSUER` or `JWT_AUDIENCE` is set, its `iss` or `aud` must be equal to it.',
        'The clocks of the server and of whoever makes the tokens must agree.'
      ]
    }
  }
  return meanings[code] ?? {
    what: `The socket was closed with ${code}${reason === '' ? '' : ` (${reason})`}, which is no code of Signalbox.`,
    change: ['A proxy on the way closed it: its log says why.']
  }
}
