import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { unixPeer } from '../net/unix-path.js'

/** The socket that a listener accepted. Below TLS it is another than the one that requests come from. */
export function acceptedSocket (socket: Socket): Socket {
  // Not documented by Node, which has no other link from the one to the other.
  return (socket as Socket & { readonly _parent?: Socket | null })._parent ?? socket
}

/** Has everything that asks an accepted socket for its peer's address get this one. Of a server in which peers are named. */
export function setPeerAddress (socket: Socket, address: string): void {
  Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true })
}

/** Gives the peers on a server's Unix socket an address before anybody asks, and the sockets above TLS those of the sockets below. */
export function namePeers (server: Server): void {
  server.prependListener('connection', (socket) => {
    if (socket.remoteAddress === undefined && typeof server.address() === 'string') setPeerAddress(socket, unixPeer)
  })
  server.on('secureConnection', (socket: Socket) => {
    const accepted = acceptedSocket(socket)
    if (Object.hasOwn(accepted, 'remoteAddress')) setPeerAddress(socket, accepted.remoteAddress as string)
  })
}
