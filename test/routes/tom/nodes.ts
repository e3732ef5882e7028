import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type Client, connect, type Frame } from '../../helper.js'

/** How a node presents itself, beside its id. */
export type Card = Partial<Record<'username' | 'publicKey' | 'encryptionKey', unknown>>

/** A registered node, the first list that holds it taken. Its username is its id unless the card says otherwise. */
export async function join (t: Test, to: FastifyInstance | number, nodeId: string, card: Card = {}, path = '/tom'): Promise<Client> {
  const client = await connect(t, to, path)
  await register(client, nodeId, card)
  return client
}

/** Registers a connected client, and takes the first list that holds the node. */
export async function register (client: Client, nodeId: string, card: Card = {}): Promise<void> {
  client.send({ type: 'register', nodeId, username: nodeId, ...card })
  await client.nextThat((frame) => idsIn(frame).includes(nodeId))
}

/** The node ids of a list, none of any other frame. */
export function idsIn ({ type, participants }: Frame): string[] {
  return type === 'participants' ? (participants as Array<{ nodeId: string }>).map(({ nodeId }) => nodeId) : []
}

/** The list that holds these nodes and no others. */
export async function listOf (client: Client, ...ids: string[]): Promise<Frame> {
  return await client.nextThat((frame) => frame.type === 'participants' && String(idsIn(frame).sort()) === String(ids.sort()))
}

/**
 * What a registered node got up to now, lists left out: `from` sends it a last signal, and what was sent to it before
 * that came before it.
 */
export async function news (from: Client, [fromId, toId]: readonly [string, string], to: Client): Promise<Frame[]> {
  from.send({ type: 'signal', from: fromId, to: toId, payload: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await to.next()
    if (frame.type === 'signal' && frame.payload === 'last') return frames
    if (frame.type !== 'participants') frames.push(frame)
  }
}

/** What an unregistered socket got up to now: an unknown type is answered in order. */
export async function newsUnregistered (client: Client): Promise<Frame[]> {
  client.send({ type: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await client.next()
    if (frame.error === 'unknown message type') return frames
    frames.push(frame)
  }
}

export const error = (sentence: string): Frame => ({ type: 'error', error: sentence })
