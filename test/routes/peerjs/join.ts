import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type Client, connect, type Frame, until } from '../../helper.js'

interface As {
  token?: string
  key?: string
  /** The server's `PEERJS_PATH`. */
  base?: string
}

/** Where the official client with that id connects. */
export function pathOf (id: string, { token = `token of ${id}`, key = 'peerjs', base = '' }: As = {}): string {
  return `${base}/peerjs?${new URLSearchParams({ key, id, token }).toString()}`
}

/** Connects and waits for `OPEN`. */
export async function join (t: Test, app: FastifyInstance | number, id: string, as?: As): Promise<Client> {
  const client = await connect(t, app, pathOf(id, as))
  t.same(await client.next(), { type: 'OPEN' }, `${id} is let in`)
  return client
}

/** Closes, and waits until the server has noticed: it may do so a little later than the client. */
export async function leave (app: FastifyInstance, client: Client, id: string): Promise<void> {
  await client.close()
  await until(async () => !(await app.state.peers.list('peerjs/peerjs')).some((peer) => peer.id === id))
}

/** What came that nobody took, up to the answer to everything the client has sent: it calls itself and looks what came before. */
export async function received (client: Client, id: string): Promise<Frame[]> {
  const payload = 'a call to myself'
  client.send({ type: 'OFFER', dst: id, payload })
  const frames: Frame[] = []
  while (true) {
    const frame = await client.next()
    if (frame.payload === payload) return frames
    frames.push(frame)
  }
}
