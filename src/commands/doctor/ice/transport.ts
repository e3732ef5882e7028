import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { patienceMs } from '../http.js'
import { lengthOf, type Message, read } from './message.js'

/** Where a STUN or TURN server is, as its URL says. */
export interface IceUrl {
  readonly scheme: 'stun' | 'turn'
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
}

const form = /^(stun|turn)(s?):(\[[0-9a-fA-F:.]+\]|[^/:?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/

/**
 * Reads `turn:host:port?transport=tcp` and the like. Undefined for what browsers cannot read.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7065
 */
export function readIceUrl (url: string): IceUrl | undefined {
  const [, scheme, secure, host, port, transport] = form.exec(url) ?? []
  if (host === undefined || (scheme === 'stun' && transport !== undefined)) return undefined
  const isSecure = secure === 's'
  return {
    scheme: scheme as IceUrl['scheme'],
    transport: isSecure ? 'tls' : transport === 'tcp' ? 'tcp' : 'udp',
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port ?? (isSecure ? 5349 : 3478))
  }
}

type OnMessage = (message: Message) => void

/** A way to a server. */
export interface Transport {
  readonly send: (bytes: Buffer) => void
  /** The address of the server. */
  readonly remoteAddress: string
  /** Whether what is sent may be lost. */
  readonly isLossy: boolean
  readonly close: () => void
}

/**
 * Connects to a STUN or TURN server.
 *
 * @param onMessage called with each message of the server
 * @throws the error of the connection
 */
export async function openTransport ({ transport, host, port }: IceUrl, onMessage: OnMessage): Promise<Transport> {
  return transport === 'udp' ? await openUdp(host, port, onMessage) : await openStream(transport, host, port, onMessage)
}

async function openUdp (host: string, port: number, onMessage: OnMessage): Promise<Transport> {
  const { address, family } = await lookup(host)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  // What an ICMP message says about the port shows in no answer coming, too.
  socket.on('error', () => {})
  socket.on('message', (bytes) => {
    const message = read(bytes)
    if (message !== undefined) onMessage(message)
  })
  socket.connect(port, address)
  await once(socket, 'connect')
  return { send: (bytes) => socket.send(bytes), remoteAddress: address, isLossy: true, close: () => socket.close() }
}

async function openStream (transport: 'tcp' | 'tls', host: string, port: number, onMessage: OnMessage): Promise<Transport> {
  const socket: Socket = transport === 'tcp'
    ? connectTcp(port, host)
    : connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
  const timeout = setTimeout(() => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })), patienceMs)
  try {
    await once(socket, transport === 'tcp' ? 'connect' : 'secureConnect')
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timeout)
  }
  let pending = Buffer.alloc(0)
  socket.on('error', () => {}).on('data', (bytes) => {
    pending = Buffer.concat([pending, bytes])
    for (let length = lengthOf(pending); length !== undefined && length <= pending.length; length = lengthOf(pending)) {
      const message = read(pending.subarray(0, length))
      pending = pending.subarray(length)
      if (message !== undefined) onMessage(message)
    }
  })
  const { remoteAddress = host } = socket
  return { send: (bytes) => socket.write(bytes), remoteAddress, isLossy: false, close: () => socket.destroy() }
}
