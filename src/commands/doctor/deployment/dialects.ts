import { clients, optionalClients } from '../../../testing/clients.js'
import type { ClientDialect } from '../../../testing/dialect.js'
import { type Check, failure, type Finding, ok, skipped } from '../check.js'
import { problemOf } from '../errors.js'
import type { Deployment } from './deployment.js'
import { Peer, TalkError } from './talk.js'

const group = 'Dialects'

/** Pairs that meet where several nodes answer: of so many, one is surely on two of them. */
const pairsOverNodes = 6

/** The claim that names the places of a dialect, where clients name them. */
const placesIn: Readonly<Record<string, 'groups' | 'rooms'>> = { psync: 'groups', ayame: 'rooms', topics: 'rooms', tracker: 'rooms' }

const allClients: readonly ClientDialect[] = [...Object.values(clients), ...Object.values(optionalClients)]

/** Two peers of each dialect meet. */
export const dialectChecks: ReadonlyArray<Check<Deployment>> = allClients.map((dialect) => ({
  group,
  name: dialect.name,
  after: 'upgrade',
  run: async (deployment: Deployment) => await meet(deployment, configured(dialect, deployment))
}))

/** The client, as the settings on this host say: keys and prefix of PeerJS. */
export function configured (dialect: ClientDialect, { config: { PEERJS_KEY, PEERJS_PATH } }: Deployment): ClientDialect {
  if (dialect.name !== 'peerjs') return dialect
  const prefix = PEERJS_PATH.replace(/\/$/, '')
  const key = encodeURIComponent(PEERJS_KEY[0] ?? '')
  return { ...dialect, path: (id, token) => prefix + dialect.path(id, token).replace('key=peerjs', `key=${key}`) }
}

/** Where a dialect says that it is there, without a token. */
function healthOf ({ name }: ClientDialect, { config: { PEERJS_PATH } }: Deployment): string {
  if (name === 'peerjs') return `${PEERJS_PATH.replace(/\/$/, '')}/peerjs/health`
  return name === 'tracker' ? '/t/health' : `/${name}/health`
}

async function meet (deployment: Deployment, dialect: ClientDialect): Promise<Finding> {
  const { name } = dialect
  const { status } = await deployment.ask(healthOf(dialect, deployment))
  if (status === 404) return await absent(deployment, dialect)
  if (status !== 200) {
    return failure(`GET ${healthOf(dialect, deployment)} answers ${status}`,
      'location /signal/ { proxy_pass http://127.0.0.1:8080/; }    # nginx: all paths')
  }
  deployment.dialects = [...deployment.dialects, name]
  if (deployment.isGuarded && !deployment.hasToken) return skipped('needs a token')
  const pairs = deployment.nodes > 1 ? pairsOverNodes : 1
  const times: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const met = await meetOnce(deployment, dialect, pair)
    if (typeof met !== 'number') return met
    times.push(met)
  }
  const overNodes = pairs > 1 ? `, in ${pairs} pairs over the nodes` : ''
  return ok(`two peers meet, ${Math.max(...times).toFixed(1)} ms for a signal and its answer${overNodes}`)
}

async function absent (deployment: Deployment, { name }: ClientDialect): Promise<Finding> {
  if (name !== 'peerjs') return skipped('not spoken here')
  const prefix = deployment.config.PEERJS_PATH
  // The one with a prefix of its own.
  return prefix === '/'
    ? skipped('not spoken here, or below a PEERJS_PATH: pass it to the doctor, too, as --peerjs-path')
    : failure(`it is not at ${prefix}: PEERJS_PATH here is not that of the deployment`, 'signalbox doctor URL --peerjs-path /')
}

/** The time for a signal and its answer, in ms, or what went wrong. */
async function meetOnce (deployment: Deployment, dialect: ClientDialect, pair: number): Promise<number | Finding> {
  const ids = idsFor(deployment, pair)
  if (ids === undefined) return skipped('two peers need two ids: `signalbox token --sub doctor --ids doctor*`')
  const peers: Peer[] = []
  try {
    const place = placeFor(deployment, dialect)
    for (const id of ids) {
      peers.push(await Peer.enter(deployment.url, dialect, { id, place: peers[0]?.place ?? place, token: await deployment.tokenFor(id) }))
    }
    const [alice, bob] = peers as [Peer, Peer]
    return await alice.signal(bob) + await bob.signal(alice)
  } catch (error) {
    return judge(error, dialect, deployment, peers.length)
  } finally {
    for (const peer of peers) peer.leave()
  }
}

/** Two ids that the token allows. Undefined where it allows one alone. */
function idsFor ({ name, isGuarded, canSign, givenClaims }: Deployment, pair: number): [string, string] | undefined {
  const { sub, ids = [] } = givenClaims as { sub?: string, ids?: string[] }
  if (!isGuarded || sub === undefined) return isGuarded && !canSign ? undefined : [`${name}-a${pair}`, `${name}-b${pair}`]
  const [other] = ids.filter((id) => id !== sub)
  return other === undefined ? undefined : [sub, other.endsWith('*') ? `${other.slice(0, -1)}${name}` : other]
}

/** A place of our own, unless the token names those that it may enter. */
function placeFor ({ name, givenClaims }: Deployment, dialect: ClientDialect): string | undefined {
  const claim = placesIn[dialect.name]
  if (claim === undefined) return undefined
  const { [claim]: [place] = [name] } = givenClaims as { groups?: string[], rooms?: string[] }
  const own = place?.replace(/\*$/, name)
  return own !== undefined && dialect.name === 'tracker' ? hashOf(own) : own
}

/** The hash that a claim names: 20 bytes by 40 digits, and any other text by itself. */
function hashOf (named: string): string {
  if (/^[0-9a-f]{40}$/.test(named)) return Buffer.from(named, 'hex').toString('latin1')
  return named.length === 20 ? `${named}.` : named
}

function judge (error: unknown, { name }: ClientDialect, { nodes }: Deployment, entered: number): Finding {
  if (!(error instanceof TalkError)) return failure(problemOf(error), 'journalctl -u signalbox    # says what happened')
  const { message, code } = error
  if (nodes > 1 && entered > 0) {
    return failure(`${message}, between ${nodes} nodes: they do not know of each other`,
      'REDIS_URL=redis://host:6379    # the same for all nodes')
  }
  if (code === 1008) {
    return failure(message,
      'signalbox token --sub alice --dialects drone,peerjs,psync,rooms,tom    # a token that allows this dialect and id',
      'docs/errors.md#reasons-of-1008')
  }
  if (code === 1013) {
    return failure(message, 'MAX_CLIENTS=50000    # and MAX_CLIENTS_PER_ADDRESS, TRUST_PROXY: one of them is reached',
      'docs/errors.md#close-codes')
  }
  if (code === 1006) {
    return failure(`${message}: cut without a close code`, 'proxy_read_timeout 90s;    # nginx; and is the process alive?',
      'docs/errors.md#close-codes')
  }
  return failure(message, 'journalctl -u signalbox    # says what happened', `docs/errors.md#${name}`)
}
