import type { IceServer, IceServers } from '../../../auth/ice-servers.js'
import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import { isPrivate } from '../addresses.js'
import { problemOf } from '../errors.js'
import { IceClient, IceError } from './client.js'
import { type IceUrl, readIceUrl } from './transport.js'

/** What knows its STUN and TURN servers. */
export interface IceSubject {
  /** As `GET /ice-servers` answers; undefined where it cannot be asked. */
  iceServers: () => Promise<IceServers | undefined>
}

const group = 'STUN and TURN'

/** Looks at every server with a packet of its own. */
export function iceChecks (after: string): ReadonlyArray<Check<IceSubject>> {
  return [
    { group, name: 'stun', after, run: async (subject) => await eachUrl(subject, 'stun', async (url) => await lookAtStun(url)) },
    { group, name: 'turn', after, run: async (subject) => await eachUrl(subject, 'turn', lookAtTurn) },
    { group, name: 'strict networks', after, run: async (subject) => firewalls(await subject.iceServers()) }
  ]
}

async function eachUrl (
  subject: IceSubject, scheme: 'stun' | 'turn', look: (url: string, server: IceServer) => Promise<Finding>
): Promise<Finding | Finding[]> {
  const servers = await subject.iceServers()
  if (servers === undefined) return skipped('GET /ice-servers asks for a token')
  const findings: Finding[] = []
  for (const server of servers.iceServers) {
    for (const url of server.urls) if (url.startsWith(scheme)) findings.push(await look(url, server))
  }
  return findings.length === 0 ? skipped(`no ${scheme.toUpperCase()}_URLS`) : findings
}

async function lookAtStun (url: string): Promise<Finding> {
  return await withClient(url, 'STUN_URLS', async (client) => {
    const { host } = await client.bind()
    return ok(`${url} sees this host as ${host}`)
  })
}

async function lookAtTurn (url: string, { username = '', credential = '' }: IceServer): Promise<Finding> {
  return await withClient(url, 'TURN_URLS', async (client, { transport }) => {
    const relayed = await client.allocate({ username, credential })
    if (isPrivate(relayed.host) && relayed.host !== client.remoteAddress) {
      return failure(`${url} relays from ${relayed.host}, a private address that other networks cannot reach`,
        `external-ip=PUBLIC/${relayed.host}    # in turnserver.conf, with the public address of the TURN server`)
    }
    const ms = await client.relayToItself(relayed)
    const says = `${url} relays over ${transport} in ${ms.toFixed(1)} ms, from ${relayed.host}`
    if (!isPrivate(relayed.host)) return ok(says)
    return warning(`${says}, which other networks cannot reach`,
      `external-ip=PUBLIC/${relayed.host}    # in turnserver.conf, unless all peers are here`)
  })
}

async function withClient (
  url: string, setting: 'STUN_URLS' | 'TURN_URLS', look: (client: IceClient, read: IceUrl) => Promise<Finding>
): Promise<Finding> {
  const read = readIceUrl(url)
  if (read === undefined) {
    const [scheme] = url.split(':', 1)
    return failure(`${url}: browsers cannot read this URL`,
      `${setting}=${scheme}:host:3478`)
  }
  let client: IceClient
  try {
    client = await IceClient.open(read)
  } catch (error) {
    return failure(`${url}: ${problemOf(error)}`, fixForUnreachable(read))
  }
  try {
    return await look(client, read)
  } catch (error) {
    if (!(error instanceof IceError)) throw error
    return refusal(url, read, error)
  } finally {
    await client.close()
  }
}

function fixForUnreachable ({ transport, port }: IceUrl): string {
  if (transport === 'tls') {
    return `tls-listening-port=${port}    # in turnserver.conf, without no-tls\n` +
      'cert=/etc/ssl/turn/fullchain.pem\npkey=/etc/ssl/turn/privkey.pem'
  }
  return `listening-port=${port}    # in turnserver.conf\nufw allow ${port}/${transport}    # and in the firewall of the provider`
}

const relayPorts = 'ufw allow 49152:65535/udp    # the ports that coturn relays from, and in the firewall of the provider'

function refusal (url: string, read: IceUrl, { code, message }: IceError): Finding {
  if (code === undefined && message === 'nobody answers') {
    return failure(`${url}: nobody answers over ${read.transport}`, fixForUnreachable(read))
  }
  if (code === undefined) return failure(`${url}: ${message}`, relayPorts)
  if (code === 401) {
    return failure(`${url} refuses the credential (401): TURN_SECRET is not its static-auth-secret, or the clocks differ`,
      'use-auth-secret\nstatic-auth-secret=…    # in turnserver.conf, the same as TURN_SECRET\n' +
      'timedatectl set-ntp true    # on both hosts')
  }
  if (code === 403) {
    return failure(`${url} refuses to relay to its own address (403): two peers that both relay do not reach each other`,
      'allowed-peer-ip=ADDRESS    # in turnserver.conf: its own relayed address, where a denied-peer-ip contains it')
  }
  if (code === 486) return failure(`${url}: too many allocations (486)`, 'user-quota=12\ntotal-quota=1200    # in turnserver.conf')
  return failure(`${url} refuses an allocation (${code})`, 'journalctl -u coturn    # says why')
}

/** Networks that let out nothing but TLS are common: at work, in hotels. */
function firewalls (servers: IceServers | undefined): Finding {
  if (servers === undefined) return skipped('GET /ice-servers asks for a token')
  const urls = servers.iceServers.flatMap(({ urls }) => urls).filter((url) => url.startsWith('turn'))
  if (urls.length === 0) {
    return warning('no TURN server: about one call in ten needs a relay, and fails without',
      'TURN_URLS=turn:turn.your.host:3478,turns:turn.your.host:443?transport=tcp\n' +
      'TURN_SECRET=$(openssl rand -base64 32)    # see docs/turn.md')
  }
  if (urls.some((url) => readIceUrl(url)?.transport === 'tls')) return ok('a relay over TLS is offered')
  return warning('no relay over TLS: networks that let out only TLS have no calls',
    `TURN_URLS=${urls.join(',')},turns:turn.your.host:443?transport=tcp`)
}
