/** Why there is no call, for people: what happened, and what to do. */
export interface Trouble {
  readonly what: string
  readonly todo: string
  /** The token in use is no good: another one is asked for. */
  readonly needsToken?: true
}

export const goneAway: Trouble = {
  what: 'The page that made this link is not there.',
  todo: 'It may have been closed or reloaded. Ask for a new link, or start over and send yours.'
}

export const badToken: Trouble = {
  what: 'The server does not accept this token.',
  todo: 'It may have expired, or be signed with another key than the server’s. Enter a fresh one.',
  needsToken: true
}

const notAllowed: Trouble = {
  what: 'The token does not allow this.',
  todo: 'Its claims “dialects”, “ids”, “groups” and “rooms” say what it allows. Choose another dialect, or enter another token.',
  needsToken: true
}

const idTaken: Trouble = {
  what: 'Another page has this page’s id.',
  todo: 'Two pages with one token have one id. Give each a token of its own, or one with "ids": ["demo-*"].',
  needsToken: true
}

/** By what the server said, or by the type of an error of `peerjs`. */
const refusals: Record<string, Trouble> = {
  'Room not found': goneAway,
  'peer not found': goneAway,
  'Target client not found': goneAway,
  'peer-unavailable': goneAway,
  'not allowed': notAllowed,
  'Invalid token provided': badToken,
  'unavailable-id': idTaken,
  'Room is full': { what: 'The room is full.', todo: 'Start over and send your own link. ROOM_MAX_CLIENTS is the limit.' },
  'Too many attempts': { what: 'Too many codes were tried from this network.', todo: 'Wait for a minute, then connect again.' }
}

/** What a refusal means for the page. */
export function refusalOf (message: string): Trouble {
  return refusals[message] ?? { what: `The server refused: ${message}.`, todo: 'Its log says more. Connect again when that is mended.' }
}

/** What the end of the signaling's socket means for the page. `isThere`: the server still answers over HTTP. */
export function closeOf (code: number, reason: string, isThere: boolean): Trouble {
  const again = 'Connect again.'
  switch (code) {
    case 1001: return { what: 'The server is going away.', todo: 'It restarts, or its node is drained. Connect again in a moment.' }
    case 1008: return reason === 'Unauthorized'
      ? badToken
      : { what: `The server closed the connection: ${reason || 'policy violation'}.`, todo: again }
    case 1009: return { what: 'A frame was too large for the server.', todo: 'MAX_PAYLOAD is the limit.' }
    case 1013: return { what: 'The server is full.', todo: 'Connect again later. MAX_CLIENTS is the limit.' }
    case 4000: return idTaken
    case 4001: return { what: 'The room has expired.', todo: 'Connect again for a new one.' }
    case 4101: return { what: 'The server heard nothing from this page for too long.', todo: again }
    case 4102: return { what: 'The token has expired.', todo: 'Enter a fresh one.', needsToken: true }
    case 1006: return isThere
      ? {
          what: 'The server answers, but opens no WebSocket.',
          todo: 'A proxy before it must pass on “Upgrade” and “Connection”, and ALLOWED_ORIGINS must include this page’s origin, ' +
            `${location.origin}.`
        }
      : unreachable
    default: return { what: `The signaling was closed with ${code}${reason && `: ${reason}`}.`, todo: again }
  }
}

export const unreachable: Trouble = {
  what: 'The server cannot be reached.',
  todo: 'See whether it runs and this device is online. Then connect again.'
}

export const noPath: Trouble = {
  what: 'The two pages found no way to each other.',
  todo: 'The signaling works, but networks between them block direct connections. A TURN server helps: TURN_URLS and TURN_SECRET.'
}

export const notSecure = 'Browsers give the camera to secure pages only: open this one by https, or on localhost.'

/** Why there is no camera. */
export function cameraTrouble (error: unknown): string {
  switch ((error as Error).name) {
    case 'NotAllowedError': return 'The browser was not allowed to use the camera. Allow it beside the address, then try again.'
    case 'NotFoundError': return 'This device has no camera, or another program hides it.'
    case 'NotReadableError': return 'Another program uses the camera. Close that, then try again.'
    default: return `There is no picture: ${(error as Error).message}`
  }
}
