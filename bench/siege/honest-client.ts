import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { Entering, Frame, HonestDialect } from './honest-dialects.js'

const patienceMs = 15_000

export interface HonestClient extends Entering {
  readonly id: string
  /** Told every frame, once the client has entered. */
  onFrame: (data: Buffer) => void
}

/** Where a client goes, and as whom. */
export interface Entry {
  /** `ws://` and host and port. */
  readonly url: string
  readonly dialect: HonestDialect
  readonly id: string
  /** Of the loopback, from where it comes. */
  readonly address: string
  readonly token?: string
  /** What the first of the two met. */
  readonly met?: string | undefined
  /** Given the bare connection. */
  readonly onConnection?: (connection: Socket) => void
}

/** Connects and registers. Throws when the client is not welcomed in time. */
export async function enter ({ url, dialect, id, address, token, met, onConnection = () => {} }: Entry): Promise<{ client: HonestClient, met: string | undefined }> {
  const socket = new WebSocket(url + dialect.path(id, token), {
    perMessageDeflate: false,
    localAddress: address,
    handshakeTimeout: patienceMs,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } })
  })
  const unheard: Frame[] = []
  let listening = (): void => {}
  const client: HonestClient = {
    id,
    socket,
    say: (frame) => socket.send(JSON.stringify(frame)),
    hear: async (type) => await new Promise((resolve) => {
      listening = () => {
        const at = unheard.findIndex((frame) => frame.type === type)
        if (at === -1) return
        // What comes next is for who listens next.
        listening = () => {}
        resolve(unheard.splice(0, at + 1)[at] as Frame)
      }
      listening()
    }),
    onFrame (data) {
      unheard.push(JSON.parse(data.toString()) as Frame)
      listening()
    }
  }
  socket.on('upgrade', (response) => onConnection(response.socket))
  socket.on('message', (data: Buffer) => client.onFrame(data))
  return await new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('not welcomed in time')), patienceMs)
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
    const isOpen = new Promise((resolve) => socket.once('open', resolve))
    // What a dialect says at once it says before anybody could ask it.
    dialect.enter({ ...client, say: (frame) => { isOpen.then(() => client.say(frame)).catch(reject) } }, id, met).then((met) => {
      clearTimeout(timeout)
      resolve({ client, met })
    }, reject)
  })
}
