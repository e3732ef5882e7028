import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { ClientDialect, Frame } from '../../src/testing/dialect.js'

const timeoutMs = 15_000

export interface HonestClient {
  readonly id: string
  readonly socket: WebSocket
  /** What its partner enters, where the server assigns places. */
  place: string | undefined
  send (frame: Frame): void
  /** Waits for the first frame from which `read` reads something. Frames before it are dropped. */
  hear<Of>(read: (frame: Frame) => Of | undefined): Promise<Of>
  /** Called with every frame; by default it keeps them for `hear`. */
  onFrame: (data: Buffer) => void
}

/** Where a client connects, and as whom. */
export interface Entry {
  /** `ws://` and host and port. */
  readonly url: string
  readonly dialect: ClientDialect
  readonly id: string
  /** The local address, one of the loopback's. */
  readonly address: string
  readonly token?: string
  /** The place of the first of a pair, where the server assigns places. */
  readonly place?: string | undefined
  /** Called with the bare connection. */
  readonly onConnection?: (connection: Socket) => void
}

/**
 * Connects and registers. Clients whose ids have the same text before the dash share a group.
 *
 * @throws when the client is not welcomed within 15 s
 */
export async function enter ({ url, dialect, id, address, token, place, onConnection = () => {} }: Entry): Promise<HonestClient> {
  const socket = new WebSocket(url + dialect.path(id, token), {
    perMessageDeflate: false,
    localAddress: address,
    handshakeTimeout: timeoutMs,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } })
  })
  const unheard: Frame[] = []
  let wake = (): void => {}
  const client: HonestClient = {
    id,
    socket,
    place,
    send: (frame) => socket.send(JSON.stringify(frame)),
    async hear (read) {
      for (;;) {
        const frame = unheard.shift()
        const found = frame === undefined ? undefined : read(frame)
        if (found !== undefined) return found
        if (frame === undefined) await new Promise<void>((resolve) => { wake = resolve })
      }
    },
    onFrame (data) {
      unheard.push(JSON.parse(data.toString()) as Frame)
      wake()
    }
  }
  socket.on('upgrade', (response) => onConnection(response.socket))
  socket.on('message', (data: Buffer) => client.onFrame(data))
  socket.on('open', () => {
    for (const frame of dialect.registration(id, dialect.takesNames ? id.split('-')[0] : place)) client.send(frame)
  })
  return await new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('not welcomed in time')), timeoutMs)
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
    client.hear((frame) => dialect.welcome(frame, id)).then((assigned) => {
      clearTimeout(timeout)
      client.place ??= assigned.place
      resolve(client)
    }, reject)
  })
}
