import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { until, urlOf } from '../helper.js'
import { upgradeBytes } from '../../src/testing/raw.js'
import { textFrame } from '../../src/testing/websocket.js'

/** One of many clients that read and discard everything. */
export interface Member {
  readonly socket: Socket
  send (...frames: unknown[]): void
}

/** Clients that have been let in and have had an answer to their first words. */
export async function crowd (
  t: Test,
  app: FastifyInstance,
  size: number,
  path: string | ((at: number) => string),
  words: (at: number) => unknown[],
  localAddress = '127.0.0.1'
): Promise<Member[]> {
  return await Promise.all(Array.from({ length: size }, async (_, at) => {
    const socket = connect({ port: Number(new URL(urlOf(app)).port), host: '127.0.0.1', localAddress, noDelay: true }).on('error', () => {})
    t.teardown(() => socket.destroy())
    socket.write(upgradeBytes(typeof path === 'string' ? path : path(at)))
    await once(socket, 'data')
    socket.resume()
    const send = (...frames: unknown[]): void => { socket.write(Buffer.concat(frames.map(textFrame))) }
    const first = words(at)
    const { bytesRead } = socket
    if (first.length === 0) return { socket, send }
    send(...first)
    await until(() => socket.bytesRead > bytesRead)
    return { socket, send }
  }))
}

export const bytesReadBy = (members: readonly Member[]): number => members.reduce((sum, { socket }) => sum + socket.bytesRead, 0)
