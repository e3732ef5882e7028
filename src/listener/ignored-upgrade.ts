import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'

/** Headers of an offer to change the protocol, in lower case. */
const offers = ['upgrade', 'http2-settings']

/** Whether an upgrade is to WebSocket. Java and curl offer HTTP/2 with every request. */
export function isWebSocketUpgrade ({ headers: { upgrade } }: IncomingMessage): boolean {
  return upgrade?.toLowerCase() === 'websocket'
}

/**
 * Has a server read a request again, without its offer to change the protocol, so that it is answered as any other: with its body, and
 * on a connection that stays open.
 *
 * @param head what has been read behind the request's head
 */
export function ignoreUpgrade (server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (!offers.includes(name.toLowerCase())) lines.push(`${name}: ${value}`)
  }
  // Node leaves its listener when it hands over a socket, and adds another.
  socket.removeAllListeners('timeout').setTimeout(0)
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket)
}
