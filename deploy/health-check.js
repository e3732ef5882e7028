// The health check of the image. Exits with 0 while a Signalbox with the same environment takes clients.
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

const { HOST = '', PORT = '', TLS_CERT = '', TLS_REQUIRE_CLIENT_CERT = '' } = process.env
const isSecure = TLS_CERT.trim() !== ''
const everyAddress = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }
const host = HOST.trim()

// Whose certificate it is does not matter on the way to oneself.
const options = { host: everyAddress[host] ?? host, port: PORT.trim() || 8080, path: '/ready', timeout: 2_000, rejectUnauthorized: false }
const request = (isSecure ? getHttps : getHttp)(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('timeout', () => process.exit(1)).on('error', () => process.exit(1))
// It has no certificate of its own to show: that the server speaks TLS has to do.
if (isSecure && TLS_REQUIRE_CLIENT_CERT.trim() === 'true') request.on('socket', (socket) => socket.on('secureConnect', () => process.exit(0)))
