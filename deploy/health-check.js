// The health check of the Docker image. Exits with 0 while the Signalbox in this container accepts clients.
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

const { HOST = '', PORT = '', TLS_CERT = '', TLS_REQUIRE_CLIENT_CERT = '' } = process.env
const isSecure = TLS_CERT.trim() !== ''
const everyAddress = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }
const host = HOST.trim()

// The certificate need not be valid for the loopback address.
const options = { host: everyAddress[host] ?? host, port: PORT.trim() || 8080, path: '/ready', timeout: 2_000, rejectUnauthorized: false }
const request = (isSecure ? getHttps : getHttp)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('timeout', () => process.exit(1)).on('error', () => process.exit(1))
// The check has no client certificate, so it settles for a server that answers the TLS handshake.
if (isSecure && TLS_REQUIRE_CLIENT_CERT.trim() === 'true') {
  request.on('socket', (socket) => socket.on('secureConnect', () => process.exit(0)))
}
