import { WebSocket } from 'ws'
import type { Assigned, ClientDialect, Frame } from '../src/testing/dialect.js'

/** What a client takes note of. */
export interface Hearing {
  opened? (): void
  /** Its registration is confirmed, for the first time on this socket. */
  welcomed (assigned: Assigned): void
  signal (from: string, load: unknown): void
  /** An error of the dialect. */
  refused (frame: Frame): void
  /** Any other frame, also the welcome. */
  told? (frame: Frame): void
  closed (code: number): void
}

export interface Dialing {
  readonly place?: string | undefined
  readonly token?: string | undefined
  /** The address that it comes from. */
  readonly localAddress?: string | undefined
}

/** A socket that registers once it is open, and sorts what it hears. `address` is such as `ws://127.0.0.1:8080`. */
export function dial (address: string, dialect: ClientDialect, id: string, hearing: Hearing, how: Dialing = {}): WebSocket {
  const { place, token, localAddress } = how
  const socket = new WebSocket(address + dialect.path(id, token), { perMessageDeflate: false, ...(localAddress && { localAddress }) })
  let isWelcome = false
  socket.on('open', () => {
    hearing.opened?.()
    for (const frame of dialect.registration(id, place)) socket.send(JSON.stringify(frame))
  })
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame
    const assigned = isWelcome ? undefined : dialect.welcome(frame, id)
    if (assigned !== undefined) {
      isWelcome = true
      hearing.welcomed(assigned)
    }
    const received = dialect.received(frame)
    if (received?.sender !== undefined) hearing.signal(received.sender, received.load)
    else if (frame.type === 'error' || frame.type === 'ERROR' || frame.type === 'EXPIRE') hearing.refused(frame)
    else hearing.told?.(frame)
  })
  socket.on('error', () => {})
  socket.on('close', (code) => hearing.closed(code))
  return socket
}

/** Whether a frame tells of others who come or go. */
export function isNews ({ type }: Frame): boolean {
  return type === 'presence' || type === 'peer_joined' || type === 'peer_left' || type === 'client_list_update'
}
