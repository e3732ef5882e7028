import type { Explanation } from './explanation.js'

/** As a browser reports it when a STUN or TURN server gave it no candidate. */
export interface IceError {
  readonly code: number
  readonly text: string
  readonly url: string
}

const secretDiffers: Explanation = {
  what: 'The TURN server does not accept the credential',
  change: [
    'Set `TURN_SECRET` to the value of coturn’s `static-auth-secret`, and have `use-auth-secret` in its configuration.',
    'The clocks of both machines must agree: a credential contains the time at which it ends.',
    'All servers of `TURN_URLS` need the same secret.'
  ]
}

const quota: Explanation = {
  what: 'The TURN server has given as many relays as it may',
  change: ['Raise coturn’s `user-quota` or `total-quota`, or wait until earlier relays end.']
}

const byCode: Readonly<Record<number, Explanation>> = {
  400: {
    what: 'The server does not understand the request',
    change: ['See that a STUN or TURN server, and nothing else, listens at this address.']
  },
  401: secretDiffers,
  403: { what: 'The TURN server forbids the relay', change: ['See `denied-peer-ip` and `allowed-peer-ip` in its configuration.'] },
  437: { what: 'The TURN server has another relay for the same port', change: ['Run the test again in a minute.'] },
  438: { what: 'The TURN server calls its own nonce stale', change: ['Raise coturn’s `stale-nonce`.'] },
  441: secretDiffers,
  442: { what: 'The TURN server does not relay over UDP', change: ['Allow UDP relays in its configuration.'] },
  486: quota,
  508: {
    what: 'The TURN server has no free port or memory for a relay',
    change: ['Widen `min-port` to `max-port` in coturn’s configuration, or raise its quotas.']
  }
}

/** What an ICE error means, and what to change. */
export function explainIceError ({ code, text, url }: IceError): Explanation {
  const { what, change } = code === 701 ? unreachable(text, url) : byCode[code] ?? unknown(text)
  return { what: `${what} (error ${code}).`, change }
}

function unknown (text: string): Explanation {
  return { what: text === '' ? 'The server refuses' : `The server says “${text}”`, change: ['Its log says why.'] }
}

function unreachable (text: string, url: string): Explanation {
  const setting = url.startsWith('turn') ? '`TURN_URLS`' : '`STUN_URLS`'
  const [port = '3478'] = /(?<=:)\d+(?=\?|$)/.exec(url) ?? (/^\w+s:/.test(url) ? ['5349'] : [])
  if (/lookup|resolve/i.test(text)) {
    return { what: 'Its name cannot be resolved', change: [`Correct the name in ${setting}, or its DNS record.`] }
  }
  if (/incompatible/i.test(text)) {
    return {
      what: 'It has no address of a kind that this network has',
      change: ['Give it an IPv4 address as well as an IPv6 address.']
    }
  }
  if (isTls(url)) {
    return {
      what: 'No TLS connection comes about',
      change: [
        `Start it with TLS: in coturn remove \`no-tls\`, and set \`cert\`, \`pkey\` and \`tls-listening-port=${port}\`.`,
        'Its certificate must be valid, have its chain, and name the host that the URL names. A browser accepts no other, and does not ' +
          'say so.',
        `Open TCP port ${port} in its firewall.`
      ]
    }
  }
  const transport = /transport=tcp/i.test(url) ? 'TCP' : 'UDP'
  return {
    what: transport === 'TCP' ? 'No connection comes about' : 'It does not answer',
    change: [
      `See that it runs, and that ${setting} has its name and port.`,
      `Open ${transport} port ${port} in its firewall, and in that of its provider.`
    ]
  }
}

const isTls = (url: string): boolean => /^(turns|stuns):/i.test(url)

/** Errors that mean the same are shown once: a browser has one for each of its networks. */
export function distinct (errors: readonly IceError[]): IceError[] {
  return [...new Map(errors.map((error) => [`${error.code} ${error.url} ${error.text}`, error])).values()]
}
