import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { WebSocket } from 'ws'
import { nodesOn } from '../cluster/nodes.js'
import { build, type Client, connect, type Env, type Frame, type Reachable } from '../helper.js'
import { clients } from '../../src/testing/clients.js'
import type { ClientDialect } from '../../src/testing/dialect.js'

/** Two apps that a scene's peers connect to: one node, or two on one Redis. */
type Start = (t: Test, env: Env) => Promise<readonly [FastifyInstance, FastifyInstance]>

export const ways: Record<string, Start> = {
  async 'on one node' (t, env) {
    const app = await build(t, env)
    return [app, app]
  },
  async 'on two nodes' (t, env) {
    const { apps: [one, other] } = await nodesOn(t, 2, env)
    return [one as FastifyInstance, other as FastifyInstance]
  }
}

/** A peer of a dialect, registered. */
export async function peerOf (
  t: Test,
  app: Reachable,
  name: 'drone' | 'peerjs' | 'psync',
  id: string,
  { place, ...options }: WebSocket.ClientOptions & { place?: string } = {}
): Promise<Client> {
  const { path, registration, welcome }: ClientDialect = clients[name]
  const client = await connect(t, app, path(id), options)
  for (const frame of registration(id, place)) client.send(frame)
  await client.nextThat((frame) => welcome(frame, id) !== undefined)
  return client
}

/** A description of pictures and a data channel, whose text nobody may change. */
export const pictures = 'v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=\ud83d\ude81\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n' +
  'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n'
/** Of data channels alone. */
export const channels = 'v=0\r\no=- 46118 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n' +
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\n'
export const answered = pictures.replace('46117', '46119')

export const candidate = (number: number) => `candidate:${number} 1 udp 2122260223 192.0.2.${number} 56789 typ host generation 0`

/** What a PeerJS client writes. */
export const peerjsFrames = {
  offer: (dst: string, { sdp = pictures, type = 'media', connectionId = 'mc_1', ...more }: Frame = {}): Frame =>
    ({ type: 'OFFER', payload: { sdp: { sdp, type: 'offer' }, type, connectionId, ...more }, dst }),
  answer: (dst: string, connectionId: unknown, sdp = answered): Frame =>
    ({ type: 'ANSWER', payload: { sdp: { sdp, type: 'answer' }, type: 'media', connectionId }, dst }),
  candidate: (dst: string, connectionId: unknown, number: number): Frame => ({
    type: 'CANDIDATE',
    payload: {
      candidate: { candidate: candidate(number), sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'Xy1z' },
      type: 'media',
      connectionId
    },
    dst
  })
}

/** The answer to a question that every dialect answers: what was sent before it has come by then. */
export async function quiet (client: Client, name: 'drone' | 'peerjs'): Promise<Frame[]> {
  const before: Frame[] = []
  client.send(name === 'drone' ? { type: 'ping' } : { type: 'unheard of' })
  while (true) {
    const frame = await client.next()
    if (frame.type === 'pong' || frame.type === 'ERROR') return before
    before.push(frame)
  }
}
