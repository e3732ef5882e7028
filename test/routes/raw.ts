import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { urlOf } from '../helper.js'
import { upgradeRequest as upgrade } from '../kit/websocket.js'

export { textFrame } from '../kit/websocket.js'

/** The bytes of a request for an upgrade. */
export function upgradeRequest (path: string): Buffer {
  return Buffer.from(upgrade(path))
}

/** A bare TCP connection to the server, which ends with the test. */
export async function connectTcp (t: Test, app: FastifyInstance): Promise<Socket> {
  const socket = connect(Number(new URL(urlOf(app)).port), '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}
