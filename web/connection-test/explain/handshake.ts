import type { Explanation } from './explanation.js'
import { explainStatus } from './statuses.js'

/** nginx’s lines that pass an upgrade on. */
export const upgradeLines = `proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";`

/** What other requests to the same server were answered. 0: nothing. */
export interface Evidence {
  readonly origin: string
  readonly infoStatus: number
  readonly originStatus: number
  readonly readyStatus: number
}

export function explainOrigin (origin: string): Explanation {
  return {
    what: `The server refuses clients of pages at \`${origin}\` (403): \`ALLOWED_ORIGINS\` does not list this origin.`,
    change: [`Add \`${origin}\` to \`ALLOWED_ORIGINS\`, as a browser writes it: with its scheme and port, without a path.`]
  }
}

/** Why a WebSocket did not open. A browser does not say, so this goes by what plain requests are answered. */
export function explainHandshake ({ origin, infoStatus, originStatus, readyStatus }: Evidence): Explanation {
  if (originStatus === 403) return explainOrigin(origin)
  const failed = [infoStatus, originStatus].find((status) => status === 0 || status === 429 || status >= 500)
  if (failed !== undefined) return explainStatus(failed)
  if (readyStatus === 503) return explainStatus(readyStatus)
  return {
    what: 'The WebSocket does not open, while plain requests to the same server are answered: a proxy does not pass the upgrade on.',
    change: [
      'In nginx, put these lines into the `location` of Signalbox. Other proxies must pass on `Upgrade` and `Connection` too ' +
        '(docs/deploy.md).',
      'If there is no proxy, a firewall or virus scanner near this browser may do it: try another network.'
    ],
    paste: upgradeLines
  }
}
