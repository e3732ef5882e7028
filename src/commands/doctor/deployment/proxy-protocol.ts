import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { failure, type Finding } from '../check.js'
import { patienceMs } from '../http.js'
import type { Deployment } from './deployment.js'

/** How long a server may take to answer who says nothing. In ms. */
const silenceMs = 1_000

/** A header that names no client, as balancers send it for themselves. */
const header = 'PROXY UNKNOWN\r\n'

const page = 'docs/deploy.md#balancers-of-tcp'

const missing = 'Signalbox expects a header of the PROXY protocol here, and the balancer sends none'
const sendIt = 'server node1 10.0.0.7:8080 check send-proxy-v2    # HAProxy; in nginx’s stream: proxy_protocol on;\n' +
  'PROXY_PROTOCOL=false    # or of Signalbox, behind a proxy that speaks HTTP'

const unexpected = 'the proxy sends a header of the PROXY protocol, and Signalbox does not expect it'
const expectIt = 'PROXY_PROTOCOL=true    # of Signalbox\n' +
  'TRUST_PROXY=10.0.0.0/8    # of Signalbox: where the balancer connects from\n' +
  'server node1 10.0.0.7:8080 check    # or HAProxy without send-proxy'

const hungUp = 'the connection is closed before TLS begins: the proxy does not reach Signalbox, or it sends a header of the PROXY ' +
  'protocol, and Signalbox does not expect it'

/**
 * Looks for a header of the PROXY protocol that is missing, or not expected, where a connection ends without an answer. Undefined
 * where that is not the fault.
 *
 * @param isSpoken whether there is TLS, if the URL asks for it
 */
export async function proxyProtocolFault (deployment: Deployment, { isSpoken }: { isSpoken: boolean }): Promise<Finding | undefined> {
  const { isSecure } = deployment
  const tls = !isSecure ? 'none' : isSpoken ? 'first' : 'behind the header'
  const { text } = await exchange(deployment, { tls, first: header, request: true })
  if (text.startsWith('HTTP/1.1 200') && text.includes('"uptime"')) return failure(missing, sendIt, page)
  const silence = await exchange(deployment, { tls: isSpoken ? tls : 'none', first: '', request: false })
  if (isBadRequest(silence.text)) return unexpectedHeader
  // Without TLS, a server says 400. With it, it only hangs up, as a proxy does that does not reach it.
  if (isSecure && !isSpoken && silence.isClosed && silence.text === '') {
    return failure(hungUp, `systemctl status signalbox    # does it run, where the proxy looks for it?\n${expectIt}`, page)
  }
}

/** What a server without `PROXY_PROTOCOL` makes of such a header: the start of a request that is none. */
export const unexpectedHeader = failure(unexpected, expectIt, page)

interface Exchange {
  /** Whether there is TLS: from the first byte, behind the header, or not at all. */
  readonly tls: 'first' | 'behind the header' | 'none'
  readonly first: string
  readonly request: boolean
}

/** What comes on a connection of its own, until it ends, or for a second where nothing is asked. No token is sent. */
async function exchange (deployment: Deployment, { tls, first, request }: Exchange): Promise<{ text: string, isClosed: boolean }> {
  const { hostname, port, url } = deployment
  const path = `${new URL(url).pathname.replace(/\/$/, '')}/health`
  const asked = request ? `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n` : ''
  const tcp = connectTcp(port, hostname)
  if (tls === 'behind the header') tcp.write(first)
  const socket: Socket = tls === 'none'
    ? tcp
    : connectTls({ socket: tcp, servername: isIP(hostname) === 0 ? hostname : '', rejectUnauthorized: false })
  socket.write(`${tls === 'behind the header' ? '' : first}${asked}`)
  return await new Promise((resolve) => {
    let text = ''
    const done = (isClosed: boolean): void => {
      clearTimeout(timeout)
      resolve({ text, isClosed })
      socket.destroy()
      tcp.destroy()
    }
    const timeout = setTimeout(() => done(false), request ? patienceMs : silenceMs)
    for (const each of new Set([tcp, socket])) each.on('error', () => {}).on('close', () => done(true))
    socket.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  })
}

/** The 400 of Signalbox, which comes before anything was asked. */
function isBadRequest (text: string): boolean {
  return text.startsWith('HTTP/1.1 400') && text.includes('{"error":"bad request"}')
}
