import type { Test } from 'tap'
import type { WebSocket } from 'ws'
import { type Client, connect, type Frame, type Reachable } from '../../helper.js'

/** A client that has been welcomed. */
export interface Peer {
  readonly id: string
  readonly client: Client
  /** The next frame, which has this type. */
  readonly next: (type: string) => Promise<Frame>
  readonly send: (type: string, fields?: Frame) => void
  /** All that came before what was sent until now is answered. */
  readonly settle: () => Promise<Frame[]>
}

export async function peer (t: Test, app: Reachable, ...roles: string[]): Promise<Peer> {
  return await welcomed(t, app, roles)
}

/** The same in version 1.1 of the protocol. */
export async function newest (t: Test, app: Reachable, ...roles: string[]): Promise<Peer> {
  return await welcomed(t, app, roles, { version: 'v1_1' })
}

/** The same with a token, or other headers. */
export async function bearer (t: Test, app: Reachable, options: WebSocket.ClientOptions, ...roles: string[]): Promise<Peer> {
  return await welcomed(t, app, roles, options)
}

interface Welcomed extends WebSocket.ClientOptions {
  version?: string
}

async function welcomed (t: Test, app: Reachable, roles: string[], { version, ...options }: Welcomed = {}): Promise<Peer> {
  const client = await connect(t, app, '/gst', options)
  const welcome = await client.next()
  t.match(welcome, { type: 'welcome', peerId: String })
  const id = String(welcome.peerId)
  const send = (type: string, fields: Frame = {}) => client.send({ type, ...fields })
  const settle = async () => {
    send('settle')
    const before: Frame[] = []
    for (;;) {
      const frame = await client.next()
      if (frame.details === 'Unknown message type: settle') return before
      before.push(frame)
    }
  }
  const next = async (type: string) => {
    const frame = await client.next()
    t.equal(frame.type, type, JSON.stringify(frame))
    return frame
  }
  if (version !== undefined) send('setProtocolVersion', { version })
  if (roles.length > 0) send('setPeerStatus', { roles, meta: { of: id } })
  if (roles.includes('listener')) t.same(await client.next(), { type: 'peerStatusChanged', roles, meta: { of: id }, peerId: id })
  else await settle()
  return { id, client, next, send, settle }
}

/** Starts a session; its id, which both sides have been told. */
export async function session (asking: Peer, asked: Peer, offer?: string): Promise<string> {
  asking.send('startSession', { peerId: asked.id, ...(offer !== undefined && { offer }) })
  return String((await asking.client.next()).sessionId)
}
