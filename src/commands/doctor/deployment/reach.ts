import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { manifest } from '../../../config/manifest.js'
import { judgeChain, judgeDays, judgeName, present } from '../certificate.js'
import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import { codeOf, problemOf } from '../errors.js'
import { type Answer, ask, patienceMs } from '../http.js'
import type { Deployment } from './deployment.js'
import { proxyProtocolFault, unexpectedHeader } from './proxy-protocol.js'

const group = 'Reach'

/** How often the health is asked for, to see how many processes answer. */
const soundings = 8
/** Starts that differ by less are one process. In ms. */
const sameStartMs = 500

export const reachChecks: ReadonlyArray<Check<Deployment>> = [
  { group, name: 'address', run: async (deployment) => await reach(deployment) },
  { group, name: 'tls', after: 'address', run: async (deployment) => await lookAtTls(deployment) },
  { group, name: 'signalbox', after: 'tls', run: async (deployment) => await findSignalbox(deployment) },
  { group, name: 'version', after: 'signalbox', run: async (deployment) => await lookAtVersion(deployment) },
  { group, name: 'ready', after: 'signalbox', run: async (deployment) => await lookAtReadiness(deployment) },
  { group, name: 'nodes', after: 'signalbox', run: async (deployment) => await countNodes(deployment) },
  { group, name: 'metrics', after: 'signalbox', run: async (deployment) => await lookAtMetrics(deployment) }
]

async function reach (deployment: Deployment): Promise<Finding> {
  const { hostname, port } = deployment
  let addresses: string[]
  try {
    addresses = (await lookup(hostname, { all: true })).map(({ address }) => address)
  } catch (error) {
    return failure(`${hostname}: ${problemOf(error)}`,
      `${hostname}. 300 IN A 203.0.113.1    # in your DNS zone, with the server’s public address`)
  }
  const socket = connectTcp(port, hostname)
  socket.setTimeout(patienceMs, () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })))
  try {
    await once(socket, 'connect')
    return ok(`${hostname} is ${addresses.join(', ')}, and port ${port} is open`)
  } catch (error) {
    const fix = codeOf(error) === 'ECONNREFUSED'
      ? `systemctl status signalbox nginx    # is it running, and does it listen on ${port}? ss -ltn`
      : `ufw allow ${port}/tcp    # and in the firewall of the provider`
    return failure(`${hostname}:${port}: ${problemOf(error)}`, fix)
  } finally {
    socket.destroy()
  }
}

async function lookAtTls (deployment: Deployment): Promise<Finding | Finding[]> {
  const { hostname, isSecure, port } = deployment
  if (!isSecure) return skipped('the URL is http: browsers connect to it from http pages only')
  try {
    const presented = await present({ host: hostname, port })
    const now = Date.now()
    return [judgeDays(presented, now), judgeName(presented, hostname), judgeChain(presented, now)]
  } catch (error) {
    const fault = await proxyProtocolFault(deployment, { isSpoken: false })
    return fault ?? failure(problemOf(error), `signalbox doctor ${deployment.url.replace('https:',
      'http:')}    # or let the port speak TLS: listen 443 ssl; in nginx`)
  }
}

async function findSignalbox (deployment: Deployment): Promise<Finding> {
  const { url } = deployment
  let answer: Answer
  try {
    answer = await deployment.ask('/health')
  } catch (error) {
    const fault = await proxyProtocolFault(deployment, { isSpoken: true })
    if (fault !== undefined) return fault
    const { port } = new URL(url)
    return failure(`GET ${url}/health: ${problemOf(error)}`, deployment.isSecure
      ? 'journalctl -u signalbox    # says what happened'
      : `signalbox doctor https://${deployment.hostname}${port === '' ? '' : `:${port}`}    # if the port speaks TLS`)
  }
  if (answer.status === 200 && answer.isSignalbox) return ok(`it answers at ${url}`)
  const { status, headers: { location }, json } = answer
  if (status === 400 && (json as { error?: unknown } | undefined)?.error === 'bad request') return unexpectedHeader
  if (status >= 300 && status < 400 && location !== undefined) {
    return failure(`GET ${url}/health is redirected to ${location}: WebSockets do not follow`,
      `signalbox doctor ${new URL(location, url).href.replace(/\/health\/?$/, '')}    # and give clients this URL`)
  }
  if (status === 429) {
    return failure('this host has asked too often (429)', 'CONNECT_RATE=300    # handshakes a minute; wait a minute', 'docs/errors.md#http')
  }
  if (status === 502 || status === 503 || status === 504) {
    return failure(`a proxy answers ${status}: it does not reach Signalbox`,
      'proxy_pass http://127.0.0.1:8080/;    # nginx: where Signalbox listens (HOST, PORT)\nsystemctl status signalbox\n' +
      'PROXY_PROTOCOL=false    # of Signalbox, if it runs: with true it closes what a proxy sends that speaks HTTP')
  }
  return await findElsewhere(deployment, answer)
}

/** Something answers, but it is not where the URL says. */
async function findElsewhere ({ url }: Deployment, { status, isSignalbox }: Answer): Promise<Finding> {
  const { origin, pathname } = new URL(url)
  const prefix = pathname.replace(/\/$/, '')
  if (isSignalbox) {
    return failure(`the prefix ${prefix} reaches Signalbox, which knows no such path (${status})`,
      `location ${prefix}/ { proxy_pass http://127.0.0.1:8080/; }    # nginx: the slash at the end takes the prefix away\n` +
      `http-request replace-path ^${prefix}/?(.*) /\\1    # HAProxy`, 'docs/deploy.md#the-path-prefix')
  }
  if (prefix !== '' && await isThere(origin)) {
    return failure(`nothing of Signalbox is at ${url}, and it is at ${origin}: the prefix is wrong`, `signalbox doctor ${origin}`)
  }
  return failure(`GET ${url}/health answers ${status}, and not as Signalbox does: something else is there, or the prefix is missing`,
    `signalbox doctor ${origin}/signal    # with the prefix of your proxy\n` +
    'location /signal/ { proxy_pass http://127.0.0.1:8080/; }    # nginx')
}

async function isThere (url: string): Promise<boolean> {
  return await ask(`${url}/health`).then(({ status, isSignalbox }) => status === 200 && isSignalbox, () => false)
}

async function lookAtVersion (deployment: Deployment): Promise<Finding> {
  const { json } = await deployment.ask('/openapi.json')
  const { info } = (json ?? {}) as { info?: { title?: unknown, version?: unknown } }
  if (info?.title !== 'Signalbox') return skipped('/openapi.json does not say it')
  if (info.version === manifest.version) return ok(`Signalbox ${manifest.version}`)
  return warning(`it is Signalbox ${String(info.version)}, and this is ${manifest.version}: they may see things differently`,
    'npm install -g signalbox@latest    # or bring the deployment up to date')
}

const waiting: Readonly<Record<string, Finding>> = {
  'no redis': failure('/ready says “no redis”: peers of other nodes are not reached',
    'signalbox doctor    # on that host, with its settings: it names what Redis lacks', 'docs/scaling.md#what-fails-and-how'),
  draining: failure('/ready says “draining”: it takes no new clients', 'systemctl restart signalbox    # unless a restart is under way',
    'docs/errors.md#http')
}

async function lookAtReadiness (deployment: Deployment): Promise<Finding> {
  const { status, json } = await deployment.ask('/ready')
  if (status === 200) return ok('it takes clients')
  const { status: said = '' } = (json ?? {}) as { status?: string }
  return waiting[said] ?? failure(`/ready answers ${status}`, 'journalctl -u signalbox    # says why', 'docs/errors.md#http')
}

/** Processes differ by when they started, which their health tells. */
async function countNodes (deployment: Deployment): Promise<Finding> {
  const starts: number[] = []
  for (let sounding = 0; sounding < soundings; sounding++) {
    const { json } = await deployment.ask('/health')
    const { uptime } = (json ?? {}) as { uptime?: number }
    if (uptime === undefined) continue
    const start = Date.now() - uptime * 1000
    if (!starts.some((other) => Math.abs(other - start) < sameStartMs)) starts.push(start)
  }
  deployment.nodes = Math.max(1, starts.length)
  return ok(deployment.nodes === 1 ? 'one process answers' : `${deployment.nodes} processes answer`)
}

async function lookAtMetrics (deployment: Deployment): Promise<Finding> {
  const { status } = await deployment.ask('/metrics')
  if (status !== 200) return ok('not for everybody')
  return warning('/metrics is open to everybody',
    'location = /signal/metrics { return 404; }    # nginx, with your prefix\n' +
    'METRICS_TOKEN=$(openssl rand -base64 32)    # or of Signalbox')
}
