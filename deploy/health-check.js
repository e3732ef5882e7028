// The health check of the Docker image. Exits with 0 while the Signalbox in this container accepts clients. Its settings are found where
// the server has them: in variables, in files, and in the flags of the container's first process, or of this one.
import { readFileSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { settingText } from '../dist/src/config/read.js'
import { trustedProxies } from '../dist/src/net/trusted-proxies.js'
import { unixPathOf, unixPeer } from '../dist/src/net/unix-path.js'

const own = process.argv.slice(2)
const argv = own.length > 0 ? own : flagsOfFirstProcess()
const setting = (name) => settingText(process.env, argv, name)

const everyAddress = { '0.0.0.0': '127.0.0.1', '::': '::1' }
const host = setting('HOST') ?? '0.0.0.0'
const isSecure = setting('TLS_CERT') !== undefined

const to = {
  host: everyAddress[host] ?? host,
  path: unixPathOf(host),
  port: setting('PORT') ?? 8080
}
const isBalancer = setting('PROXY_PROTOCOL') === 'true' && trustedProxies(setting('TRUST_PROXY') ?? 'false')(to.path ? unixPeer : to.host)

const options = {
  createConnection: () => {
    const socket = connectTcp(to)
    if (isBalancer) socket.write('PROXY UNKNOWN\r\n')
    // The certificate need not be valid for the loopback address.
    return isSecure ? connectTls({ socket, rejectUnauthorized: false }) : socket
  },
  path: '/ready'
}
// A server that stands still takes connections, for as long as the kernel has room, and answers nobody.
setTimeout(() => process.exit(1), 2_000)
const request = (isSecure ? getHttps : getHttp)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('error', () => process.exit(1))
// The check has no client certificate, so it settles for a server that answers the TLS handshake.
if (isSecure && setting('TLS_REQUIRE_CLIENT_CERT') === 'true') {
  request.on('socket', (socket) => socket.on('secureConnect', () => process.exit(0)))
}

/** With `docker run --init` the first process is another, whose arguments are those of the server. */
function flagsOfFirstProcess () {
  try {
    const args = readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(0, -1)
    const at = args.findIndex((arg) => arg.endsWith('dist/src/server.js'))
    return at === -1 ? [] : args.slice(at + 1)
  } catch {
    return []
  }
}
