import type { Check, Finding } from '../check.js'
import { kindOf } from '../explain/candidates.js'
import { explainIceError } from '../explain/ice-errors.js'
import { type TurnTransport, transportOf } from '../explain/turn-urls.js'
import { callThrough } from '../ice.js'
import { configuredServers } from './ice-servers.js'
import { worst } from './worst.js'

interface Example {
  readonly why: string
  readonly url: string
}

const examples: Readonly<Record<TurnTransport, Example>> = {
  udp: { why: 'Most calls go over UDP, which is the fastest.', url: 'turn:turn.example.org:3478' },
  tcp: { why: 'Clients on networks that block UDP get no connection.', url: 'turn:turn.example.org:3478?transport=tcp' },
  tls: { why: 'Clients on networks that let only TLS through get no connection.', url: 'turns:turn.example.org:443' }
}

const none: Finding = { mark: 'skip', summary: 'Not tested: no TURN server is configured.' }

const missing = (name: string, { why, url }: Example): Finding => ({
  mark: 'warn',
  summary: `\`TURN_URLS\` has no URL for ${name}. ${why}`,
  change: [`Have the TURN server listen for ${name}, and add a URL like \`${url}\` to \`TURN_URLS\`.`]
})

/** A relay-only call of the page to itself, over one transport to the TURN server. */
export function turnOver (transport: TurnTransport): Check {
  const name = transport.toUpperCase()
  return {
    name: `turn-${transport}`,
    title: `TURN over ${name}`,
    about: `A call of this page to itself that may only go through the TURN server, reached over ${name}.`,
    async run (facts) {
      const turn = await configuredServers(facts, (url) => transportOf(url) !== undefined, none)
      if (!Array.isArray(turn)) return turn
      const servers = turn.filter(({ urls }) => transportOf(urls) === transport)
      if (servers.length === 0) return missing(name, examples[transport])
      const findings: Finding[] = []
      // One by one: relays count towards the user's quota.
      for (const server of servers) findings.push(await call(server, facts.options.ended))
      return worst(findings)
    }
  }
}

async function call (server: RTCIceServer & { urls: string }, ended: AbortSignal): Promise<Finding> {
  const { candidates, errors: [error], roundTripMs } = await callThrough(server, ended)
  const name = `\`${server.urls}\``
  const relay = candidates.find(({ type }) => type === 'relay')
  if (relay === undefined) {
    const { what, change } = explainIceError(error ?? { code: 701, text: '', url: server.urls })
    return { mark: 'fail', summary: `${name}: ${what}`, change }
  }
  const isInternal = kindOf(relay.address) !== 'public'
  const setAddress = 'In coturn set `external-ip=PUBLIC/PRIVATE`, with the public address that is forwarded to it, or `relay-ip`.'
  if (roundTripMs === undefined) {
    return {
      mark: 'fail',
      summary: `${name} gives the relayed address ${relay.address}, but no message comes through it.`,
      change: [
        ...isInternal ? [setAddress] : [],
        'Open the relay ports, `min-port` to `max-port` in coturn (49152 to 65535), for UDP in its firewall.',
        'See that `denied-peer-ip` does not list the server’s own address: this call goes from the relay to itself.'
      ]
    }
  }
  const summary = `${name} relays: a message took ${Math.round(roundTripMs)} ms there and back.`
  if (!isInternal) return { mark: 'pass', summary }
  return {
    mark: 'warn',
    summary: `${summary} But its relayed address, ${relay.address}, is private: peers on other networks cannot reach it.`,
    change: [`${setAddress} If all your clients are on this network, nothing needs to change.`]
  }
}
