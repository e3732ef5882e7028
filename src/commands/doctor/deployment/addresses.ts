import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import type { ClientDialect } from '../../../testing/dialect.js'
import { clients } from '../../../testing/clients.js'
import { isLoopback, isPrivate, plain } from '../addresses.js'
import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import type { Deployment } from './deployment.js'
import { configured } from './dialects.js'
import { Peer, TalkError } from './talk.js'

const group = 'Addresses'

/** An address of the documentation, which nobody has. */
const claimed = '203.0.113.77'
/** Another address of this machine, so that it is not the proxy's. Linux has all of 127/8. */
const ownLoopback = '127.83.66.1'
/** How many pages of the list are read: behind a balancer, another node may answer, whose list is read from its beginning. */
const maxPages = 64
/** What a page of the list holds at most. */
const pageSize = 1000

export const addressChecks: ReadonlyArray<Check<Deployment>> = [
  { group, name: 'client address', after: 'upgrade', run: async (deployment) => await lookAtAddress(deployment) },
  { group, name: 'claimed address', after: 'upgrade', run: async (deployment) => await lookAtClaims(deployment) }
]

interface Seen {
  /** By Signalbox. */
  readonly address: string
  /** Of this end of the connection. */
  readonly local: string
  /** Of the other end: the proxy's, or Signalbox's. */
  readonly remote: string
}

async function lookAtAddress (deployment: Deployment): Promise<Finding> {
  const { address: remote } = await lookup(deployment.hostname)
  const localAddress = isLoopback(remote) && remote !== '::1' && process.platform === 'linux' ? ownLoopback : undefined
  const seen = await seenAs(deployment, localAddress)
  return 'status' in seen ? seen : judgeAddress(seen)
}

/** Whether it can be the address of this client that Signalbox sees. */
export function judgeAddress ({ address, local, remote }: Seen): Finding {
  if (address === local) return ok(`Signalbox sees this host as ${address}, which it is`)
  if (!isPrivate(address) && !isPrivate(remote)) return ok(`Signalbox sees this host as ${address}`)
  const says = `Signalbox sees this host as ${address}, and it is ${local}`
  const fix = `TRUST_PROXY=${address}    # of Signalbox: where the proxy connects from\n` +
    'proxy_set_header X-Forwarded-For $remote_addr;    # nginx'
  // Between private networks, addresses may be translated by others, too.
  const isProxy = isLoopback(address) || address === remote || !isPrivate(remote)
  if (!isProxy) return warning(`${says}: that is the proxy, or a NAT between here and there`, fix)
  return failure(`${says}: that is the proxy, whose limits all clients share`, fix, 'docs/troubleshooting.md#everybody-is-one-address')
}

async function lookAtClaims (deployment: Deployment): Promise<Finding> {
  const fix = 'proxy_set_header X-Forwarded-For $remote_addr;    # nginx: replace the header, do not append to it\n' +
    'TRUST_PROXY=127.0.0.1    # of Signalbox: the proxy alone, and not true; false without a proxy'
  const headers = { 'x-forwarded-for': claimed, forwarded: `for=${claimed}` }
  const seen = await seenAs(deployment, undefined, headers)
  if (!('status' in seen)) {
    return seen.address === claimed
      ? failure('a client can claim any address, and so escape every limit', fix)
      : ok('what a client claims of its address is not believed')
  }
  // Each may count for itself.
  if (deployment.nodes > 1) return seen
  // Without an administrator's eyes: does a claimed address have limits of its own?
  const usedBy = async (more: Record<string, string>): Promise<number> => {
    const { headers: got } = await deployment.ask(idPath(deployment), { headers: more })
    return Number(got['x-ratelimit-limit']) - Number(got['x-ratelimit-remaining'])
  }
  const own = [await usedBy({}), await usedBy({})]
  const asAnother = await usedBy(headers)
  if (Number.isNaN(asAnother)) return skipped('no answer tells how its limits are counted')
  return asAnother < (own[1] ?? 0)
    ? failure('a client can claim any address, and so escape every limit', fix)
    : ok('what a client claims of its address has no effect on its limits')
}

function idPath ({ dialects: [name = 'tom'] }: Deployment): string {
  return `/${name}/id`
}

/** Connects, and asks as an administrator from where. */
async function seenAs (deployment: Deployment, localAddress?: string, headers: Record<string, string> = {}): Promise<Seen | Finding> {
  const admin = await deployment.adminToken()
  if (admin === undefined) return skipped('only administrators see it: --token "$(signalbox token --sub doctor --role admin)"')
  const dialect = Object.values(clients).find(({ name, takesNames }) => takesNames && deployment.dialects.includes(name))
  if (dialect === undefined) return skipped('no dialect in which peers have ids')
  const { sub } = deployment.givenClaims as { sub?: string }
  const id = sub ?? `${deployment.name}-seen`
  let peer: Peer
  try {
    const client: ClientDialect = configured(dialect, deployment)
    const token = await deployment.tokenFor(id)
    const options = { headers, ...(localAddress !== undefined && { localAddress }) }
    peer = await Peer.enter(deployment.url, client, { id, place: placeFor(deployment, dialect), token, options })
  } catch (error) {
    if (!(error instanceof TalkError)) throw error
    return skipped(`no peer can be registered to be seen: ${error.message}`)
  }
  // ws does not tell its socket otherwise.
  const { localAddress: local = '', remoteAddress: remote = '' } = (peer.socket as unknown as { _socket: Socket })._socket
  try {
    const address = await findAddress(deployment, admin, id)
    if (address === undefined) return skipped('the token may not ask /admin, or /admin is not passed on: it needs the role admin')
    return { address: plain(address), local: plain(local), remote: plain(remote) }
  } finally {
    peer.leave()
  }
}

function placeFor ({ name }: Deployment, dialect: ClientDialect): string | undefined {
  return dialect.name === 'psync' ? name : undefined
}

interface ConnectionsPage {
  readonly connections?: ReadonlyArray<{ address: string, peers: ReadonlyArray<{ id: string }> }>
  readonly next?: string
}

async function findAddress (deployment: Deployment, token: string, id: string): Promise<string | undefined> {
  let after = ''
  for (let page = 0; page < maxPages; page++) {
    const { status, json } = await deployment.ask(`/admin/connections?limit=${pageSize}${after}`, { token })
    // The page before was another node’s.
    if (status === 400 && after !== '') {
      after = ''
      continue
    }
    if (status !== 200) return undefined
    const { connections = [], next } = json as ConnectionsPage
    const found = connections.find(({ peers }) => peers.some((peer) => peer.id === id))
    if (found !== undefined) return found.address
    after = next === undefined ? '' : `&after=${encodeURIComponent(next)}`
  }
}
