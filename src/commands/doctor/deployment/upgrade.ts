import { createHash, randomBytes } from 'node:crypto'
import { type Check, failure, type Finding, ok } from '../check.js'
import { problemOf } from '../errors.js'
import type { Answer } from '../http.js'
import type { Deployment } from './deployment.js'

const group = 'Proxy'

/** @see https://www.rfc-editor.org/rfc/rfc6455#section-1.3 */
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export const upgradeChecks: ReadonlyArray<Check<Deployment>> = [
  { group, name: 'upgrade', after: 'signalbox', run: async (deployment) => await upgrade(deployment) }
]

/** The headers of a handshake, with a key of its own. */
export function handshake (key = randomBytes(16).toString('base64')): Record<string, string> {
  return { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key }
}

const nginxLines = [
  'proxy_http_version 1.1;    # nginx, in the location of Signalbox',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection "upgrade";'
]

async function upgrade (deployment: Deployment): Promise<Finding> {
  const key = randomBytes(16).toString('base64')
  let answer: Answer
  try {
    // The root takes sockets whichever dialects there are.
    answer = await deployment.ask('/', { headers: handshake(key) })
  } catch (error) {
    return failure(`a WebSocket ends without an answer: ${problemOf(error)}`, nginxLines.join('\n'))
  }
  const { status, headers } = answer
  if (status !== 101) return refusedWith(answer)
  const accept = createHash('sha1').update(key + magic).digest('base64')
  if (headers['sec-websocket-accept'] !== accept) {
    return failure('101 came, with an answer to another handshake: something between answers for others', 'proxy_cache off;    # nginx')
  }
  return ok('101')
}

function refusedWith ({ status, headers, isSignalbox, httpVersion }: Answer): Finding {
  const said = `${status} came instead of 101`
  // With a page or a banner Signalbox answers what is no upgrade.
  if (isSignalbox || status === 200 || status === 426) {
    return failure(`${said}: the request reaches Signalbox without its Upgrade and Connection headers, which the proxy drops`,
      nginxLines.join('\n'))
  }
  if (status === 400 && httpVersion === '1.0') return failure(`${said}, over HTTP/1.0`, nginxLines.join('\n'))
  if (status >= 300 && status < 400) {
    return failure(`${said}: WebSockets do not follow redirects, here to ${String(headers.location)}`,
      'rewrite ^/signal$ /signal/;    # nginx: in place of a redirect; and give clients the https URL')
  }
  if (status === 403) {
    return failure(`${said}: a firewall in front refuses WebSockets`,
      'Allow WebSockets for this path in the web application firewall.')
  }
  if (status === 429) {
    return failure(`${said}: too many handshakes`, 'CONNECT_RATE=300    # a minute; raise it, or wait a minute', 'docs/errors.md#http')
  }
  if (status === 503) {
    return failure(`${said}: Signalbox drains, or is overloaded`, 'curl https://your.host/signal/ready    # says which',
      'docs/errors.md#http')
  }
  if (status === 502 || status === 504) {
    return failure(`${said}: the proxy does not reach Signalbox`,
      'proxy_pass http://127.0.0.1:8080/;    # nginx: HOST and PORT of Signalbox')
  }
  return failure(said, nginxLines.join('\n'))
}
