import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { WebSocket } from 'ws'
import { type Client, connect, type Frame } from '../../helper.js'

/** Where a peer registers; by default in one group, on this dialect's own path. */
interface Place {
  group?: string
  path?: string
  options?: WebSocket.ClientOptions
}

/** A registered peer, its list taken. */
export async function join (
  t: Test,
  to: FastifyInstance | number,
  id: string,
  { group = 'g', path = '/psync/ws', options = {} }: Place = {}
): Promise<Client> {
  const client = await connect(t, to, path, options)
  await register(client, id, group)
  return client
}

/** Registers a connected client; answers the others in its group. */
export async function register (client: Client, id: string, group = 'g'): Promise<Frame[]> {
  client.send({ type: 'register', source_id: id, payload: { peer_id: id, group_id: group } })
  const { payload } = await client.nextOf('peer_list')
  return (payload as { peers: Frame[] }).peers
}

/** The ids of the others in the group of a peer, which registers once more to see them. */
export async function othersOf (client: Client, id: string, group = 'g'): Promise<unknown[]> {
  return (await register(client, id, group)).map((peer) => peer.id)
}

/** The peer that a `peer_joined` or `peer_left` tells of. */
export function peerIn ({ payload }: Frame): Frame {
  return (payload as { peer: Frame }).peer
}

/**
 * What a peer got up to now: `from` sends it a last candidate, and what was sent to it before that came before it.
 */
export async function news (from: Client, to: Client, toId: string): Promise<Frame[]> {
  from.send({ type: 'candidate', target_id: toId, payload: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await to.next()
    if (frame.type === 'candidate' && frame.payload === 'last') return frames
    frames.push(frame)
  }
}

/** What the server answered to a client up to now: an unknown type is answered in order. */
export async function answers (client: Client): Promise<Frame[]> {
  client.send({ type: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await client.next()
    if (JSON.stringify(frame) === JSON.stringify(error('unknown message type'))) return frames
    frames.push(frame)
  }
}

export const error = (message: string, more: Frame = {}): Frame => ({ type: 'error', payload: { message, ...more } })

/** RFC 3339, UTC. */
export const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
