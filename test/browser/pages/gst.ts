import GstWebRTCAPI from 'gstwebrtc-api'
import { play } from './play.js'
import { Queue } from './queue.js'

/** Pictures that are decoded before somebody counts as seen: a second of them. */
const pictures = 25

let api: GstWebRTCAPI
let producer: ReturnType<GstWebRTCAPI['createProducerSession']>
const connections = new Queue<string>()
const producers = new Queue<string>()
const gone = new Queue<string>()
const served = new Queue<string>()
const ended = new Queue<true>()

/** Connects, under a name that others see, and answers the id that it was given. */
export async function connect (url: string, name: string): Promise<string> {
  api = new GstWebRTCAPI({ signalingServerUrl: url, reconnectionTimeout: 0, meta: { name }, webrtcConfig: { iceServers: [] } })
  api.registerConnectionListener({ connected: (id) => connections.push(id), disconnected () {} })
  api.registerPeerListener({
    producerAdded: ({ id }) => producers.push(id),
    producerRemoved: ({ id }) => gone.push(id)
  })
  return await connections.next('the connection')
}

/** Shows a moving picture to whoever asks, or to the one whom it asks itself. */
export function produce (consumer?: string): void {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  setInterval(() => {
    if (context === null) return
    context.fillStyle = `hsl(${performance.now() % 360} 100% 50%)`
    context.fillRect(0, 0, canvas.width, canvas.height)
  }, 30)
  const stream = canvas.captureStream(30)
  producer = consumer === undefined ? api.createProducerSession(stream) : api.createProducerSessionForConsumer(stream, consumer)
  producer.addEventListener('clientConsumerAdded', (event) => served.push((event as CustomEvent<{ peerId: string }>).detail.peerId))
  producer.start()
}

/** The name of the producer that was found, and whether its picture has come. */
export async function consume (): Promise<{ name: unknown, hasPicture: boolean }> {
  const id = await producers.next('a producer')
  const name = api.getAvailableProducers().find((producer) => producer.id === id)?.meta.name
  return { name, hasPicture: await hasPicture(api.createConsumerSession(id)) }
}

/** Calls a peer with an offer of its own, and answers whether its picture has come. */
export async function view (id: string): Promise<boolean> {
  return await hasPicture(api.createConsumerSessionWithOfferOptions(id, { offerToReceiveVideo: true }))
}

async function hasPicture (session: ReturnType<GstWebRTCAPI['createConsumerSession']>): Promise<boolean> {
  const streams = new Queue<MediaStream>()
  session.addEventListener('streamsChanged', () => streams.push(session.streams[0] as MediaStream))
  session.addEventListener('closed', () => ended.push(true))
  session.connect()
  const video = await play(await streams.next('a stream'), pictures)
  return video.videoWidth > 0
}

/** The id of a consumer that has come. */
export async function serve (): Promise<string> {
  return await served.next('a consumer')
}

export function stop (): void {
  producer.close()
}

/** Once the session has ended, and the producer is gone from the list. */
export async function hearEnd (): Promise<void> {
  await ended.next('the end of the session')
  await gone.next('the end of the producer')
}
