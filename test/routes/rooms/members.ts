import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type Client, connect, type Frame } from '../../helper.js'

/** A client in a room, and what it was told on entering. */
export interface Inside {
  client: Client
  roomId: string
  myId: string
}

/** Has a connected client create a room. */
export async function create (client: Client): Promise<Inside> {
  client.send({ type: 'create' })
  return await entered(client)
}

/** Has a connected client join a room. */
export async function join (client: Client, roomId: string | number): Promise<Inside> {
  client.send({ type: 'join', roomId })
  return await entered(client)
}

/** A new client in a new room. */
export async function creator (t: Test, app: FastifyInstance): Promise<Inside> {
  return await create(await connect(t, app, '/rooms'))
}

/** A new client in a room that is there. */
export async function joiner (t: Test, app: FastifyInstance, roomId: string): Promise<Inside> {
  return await join(await connect(t, app, '/rooms'), roomId)
}

async function entered (client: Client): Promise<Inside> {
  const frame = await client.next()
  if (frame.type === 'error') throw new Error(String(frame.message))
  return { client, roomId: String(frame.roomId), myId: String(frame.myId) }
}

/** What one member gets of what the other one signals. */
export async function hears (listener: Inside, speaker: Inside): Promise<Frame> {
  speaker.client.send({ type: 'signal', payload: 'are you there?' })
  return await listener.client.next()
}

/** The frame of the question above. */
export const heard = (speaker: Inside): Frame => ({ type: 'signal', senderId: speaker.myId, payload: 'are you there?' })

/** What a client got up to now: an unknown type is answered in order. */
export async function news (client: Client): Promise<Frame[]> {
  client.send({ type: 'last' })
  const frames: Frame[] = []
  while (true) {
    const frame = await client.next()
    if (frame.message === 'Unknown message type: last') return frames
    frames.push(frame)
  }
}

/** Has a client try to join a room, and gives the answer. */
export async function tryJoin (client: Client, roomId: unknown): Promise<Frame> {
  client.send({ type: 'join', roomId })
  return await client.next()
}

export const error = (sentence: string): Frame => ({ type: 'error', message: sentence })
