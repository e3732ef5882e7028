import type { Finding } from '../check.js'

interface PageContext {
  readonly protocol: string
  readonly hostname: string
  readonly isSecure: boolean
}

/** What a browser allows a page that was loaded this way. */
export function explainContext ({ protocol, hostname, isSecure }: PageContext): Finding {
  if (protocol === 'https:') {
    return { mark: 'pass', summary: 'This page came over HTTPS: browsers give it cameras, and clients connect with `wss://`.' }
  }
  if (isSecure) {
    return {
      mark: 'pass',
      summary: `\`${hostname}\` counts as secure in a browser on the same machine. Other devices will need HTTPS for cameras.`
    }
  }
  return {
    mark: 'warn',
    summary: 'This page came over plain HTTP. Data channels work, cameras and microphones do not; and a page on HTTPS cannot connect ' +
      'here, since a browser blocks `ws://` as mixed content.',
    change: [
      'Put a proxy with TLS in front (docs/deploy.md), or set `TLS_CERT` and `TLS_KEY`.',
      'Then use the addresses that begin with `https://` and `wss://`.'
    ]
  }
}
