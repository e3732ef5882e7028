import type { Explanation } from './explanation.js'

/** Why the server did not answer a request as it should. Its status is 0 where there was no answer. */
export function explainStatus (status: number): Explanation {
  if (status === 0) {
    return {
      what: 'There was no answer.',
      change: ['See that the server still runs, and that the proxy passes requests to its `HOST` and `PORT`.']
    }
  }
  if (status === 401) {
    return {
      what: 'The server does not accept the token (401).',
      change: ['Take a token that has not expired, and that is signed with the server’s key (docs/auth.md).']
    }
  }
  if (status === 403) return { what: 'It was refused (403).', change: ['Add the page’s origin to `ALLOWED_ORIGINS`.'] }
  if (status === 404) {
    return {
      what: 'It was not found (404).',
      change: ['The proxy must pass all paths below its prefix on, and remove the prefix (docs/deploy.md).']
    }
  }
  if (status === 429) {
    return {
      what: 'There were too many requests from this address (429).',
      change: [
        'Wait a minute, and run the test again.',
        'If everybody gets this, `TRUST_PROXY` does not name the proxy, and all clients share one limit (docs/deploy.md).',
        'Otherwise raise `CONNECT_RATE`, such as for an office whose people share one address.'
      ]
    }
  }
  if (status === 502 || status === 504) {
    return {
      what: `The proxy does not reach the server (${status}).`,
      change: ['See that the server runs, and that the proxy has its `HOST` and `PORT`.']
    }
  }
  if (status === 503) {
    return {
      what: 'The server takes no clients now (503): it is restarting, overloaded or full.',
      change: ['Its log says why. `MAX_CLIENTS`, `MAX_EVENT_LOOP_DELAY` and `MAX_MEMORY` are the limits.']
    }
  }
  return { what: `It was answered with ${status}, or not with JSON.`, change: ['Look at the logs of the proxy and of the server.'] }
}
