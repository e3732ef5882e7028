import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { WebSocket } from 'ws'
import { type Client, connect, type Frame } from '../../helper.js'

/** A registered client, the confirmation taken. */
export async function join (
  t: Test,
  to: FastifyInstance | number,
  id: string,
  path = '/drone',
  options: WebSocket.ClientOptions = {}
): Promise<Client> {
  const client = await connect(t, to, path, options)
  await register(client, id)
  return client
}

/** Registers a connected client, and takes the confirmation. */
export async function register (client: Client, id: string): Promise<void> {
  client.send({ type: 'register', id })
  await client.nextThat((frame) => frame.type === 'registered' && frame.id === id)
}

/** A frame without its timestamp, which must be one: ISO 8601 UTC with milliseconds, and now. */
export function timeless ({ timestamp, ...frame }: Frame): Frame {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(timestamp))) throw new Error(`no timestamp: ${String(timestamp)}`)
  const awayMs = Math.abs(Date.now() - Date.parse(String(timestamp)))
  if (awayMs > 5000) throw new Error(`${awayMs} ms from now: ${String(timestamp)}`)
  return frame
}

/**
 * What a client got up to now: `from` sends it a last candidate, and what was sent to it before that came before it.
 */
export async function news (from: Client, to: Client, toId: string): Promise<Frame[]> {
  from.send({ type: 'ice', target: toId, candidate: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await to.next()
    if (frame.type === 'ice' && frame.candidate === 'last') return frames
    frames.push(frame)
  }
}

/** What the server answered to a client up to now: a ping is answered in order. */
export async function answers (client: Client): Promise<Frame[]> {
  client.send({ type: 'ping' })
  const frames: Frame[] = []
  while (true) {
    const frame = await client.next()
    if (frame.type === 'pong') return frames
    frames.push(frame)
  }
}

/** The ids that `list` answers. */
export async function othersOf (client: Client): Promise<unknown> {
  client.send({ type: 'list' })
  return (await client.nextOf('clients')).clients
}

export const error = (message: string, details?: string): Frame => ({ type: 'error', message, ...(details !== undefined && { details }) })
