import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { urlOf } from '../helper.js'

const mask = Buffer.from([0x12, 0x34, 0x56, 0x78])

/** The bytes with which a client asks for an upgrade. */
export function upgradeRequest (path: string): Buffer {
  return Buffer.from([
    `GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==', '', ''
  ].join('\r\n'))
}

/** The bytes of one masked text frame of up to 65535 bytes. */
export function textFrame (frame: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(frame))
  const length = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...length]), mask, payload.map((byte, at) => byte ^ (mask[at % 4] as number))])
}

/** A bare TCP connection to the server, gone with the test. */
export async function connectTcp (t: Test, app: FastifyInstance): Promise<Socket> {
  const socket = connect(Number(new URL(urlOf(app)).port), '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}
