import { WHIPClient as EyevinnClient } from '@eyevinn/whip-web-client'
import { WHEPClient } from 'whip-whep/whep.js'
import { WHIPClient } from 'whip-whep/whip.js'
import { play } from './play.js'
import { Queue } from './queue.js'

/** Requests of the clients, with their answers: `POST 201`. */
const requests: string[] = []
const offers: string[] = []
const answers: string[] = []
let connection: RTCPeerConnection
let stop: () => Promise<unknown>
const streams = new Queue<MediaStream>()

const { fetch } = globalThis
globalThis.fetch = async (input, init = {}) => {
  const response = await fetch(input, init)
  const { method = 'GET', body } = init
  requests.push(`${method} ${response.status}`)
  if (method === 'POST') {
    offers.push(String(body))
    answers.push(await response.clone().text())
  }
  return response
}

async function camera (): Promise<MediaStream> {
  return await navigator.mediaDevices.getUserMedia({ video: true, audio: true })
}

/** Publishes with @eyevinn/whip-web-client, which gathers all candidates before its offer where it does not trickle. */
export async function publishAsEyevinn (endpoint: string, trickles: boolean): Promise<void> {
  const client = new EyevinnClient({
    endpoint,
    opts: { noTrickleIce: !trickles, iceServers: [] },
    peerConnectionFactory: (configuration) => {
      connection = new RTCPeerConnection(configuration)
      return connection
    }
  })
  stop = async () => await client.destroy()
  await client.ingest(await camera())
}

/** Publishes with whip-whep, which offers before it has candidates, and sends them all later. */
export async function publish (endpoint: string, token?: string): Promise<void> {
  const client = new WHIPClient()
  connection = new RTCPeerConnection({ iceServers: [] })
  const stream = await camera()
  for (const track of stream.getTracks()) connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
  stop = async () => await client.stop()
  await client.publish(connection, endpoint, token)
}

/** Watches with whip-whep. */
export async function view (endpoint: string): Promise<void> {
  const client = new WHEPClient()
  connection = new RTCPeerConnection({ iceServers: [] })
  connection.addTransceiver('video', { direction: 'recvonly' })
  connection.addTransceiver('audio', { direction: 'recvonly' })
  connection.ontrack = ({ streams: [stream], track }) => { if (track.kind === 'video') streams.push(stream as MediaStream) }
  stop = async () => await client.stop()
  await client.view(connection, endpoint)
}

/** Waits until so many pictures of the stream have been decoded and shown. */
export async function decoded (pictures: number): Promise<number> {
  await play(await streams.next('a stream'), pictures)
  const stats = [...(await connection.getStats() as unknown as Map<string, { type: string, framesDecoded?: number }>).values()]
  return Math.max(...stats.map(({ framesDecoded = 0 }) => framesDecoded))
}

export async function hangUp (): Promise<void> {
  await stop()
}

export interface Seen {
  readonly requests: readonly string[]
  readonly connection: string
  /** How many candidates were in the last offer, and in its answer. */
  readonly offered: number
  readonly answered: number
}

export function state (): Seen {
  const candidatesIn = (sdp = '') => sdp.match(/^a=candidate:/gm)?.length ?? 0
  return {
    requests: [...requests],
    connection: connection.connectionState,
    offered: candidatesIn(offers.at(-1)),
    answered: candidatesIn(answers.at(-1))
  }
}
