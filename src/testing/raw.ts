import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { urlOf } from './client.js'
import type { Scope } from './runner.js'
import { upgradeRequest } from './websocket.js'

/** The bytes of a request for an upgrade. */
export function upgradeBytes (path: string): Buffer {
  return Buffer.from(upgradeRequest(path))
}

/** A bare TCP connection to the server, which ends with the test. */
export async function connectTcp (t: Scope, app: FastifyInstance): Promise<Socket> {
  const socket = connect(Number(new URL(urlOf(app)).port), '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}
