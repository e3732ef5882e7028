import { Link } from './link.js'
import { type Frame, Signaling } from './signaling.js'

let signaling: Signaling
let otherId: string
/** Of the call: the caller leaves it to the server, the other end answers with what it was told. */
let sessionId: string | undefined

const link = new Link({
  description: ({ type, sdp }) => signaling.send({ type, target: otherId, sdp, sessionId }),
  candidate: (candidate) => signaling.send({ type: 'ice', target: otherId, candidate, sessionId })
})

function takeDescription (type: 'offer' | 'answer', frame: Frame): void {
  otherId = frame.from as string
  sessionId = frame.sessionId as string
  link.takeDescription({ type, sdp: frame.sdp as string })
}

/** Answers the `registered` of the server. */
export async function register (url: string, id: string): Promise<Frame> {
  signaling = new Signaling(url)
  signaling.on('offer', (frame) => takeDescription('offer', frame))
  signaling.on('answer', (frame) => takeDescription('answer', frame))
  signaling.on('ice', ({ candidate }) => link.takeCandidate(candidate as RTCIceCandidateInit | null))
  signaling.send({ type: 'register', id })
  return await signaling.next('registered')
}

/** The ids of the others. */
export async function list (): Promise<unknown> {
  signaling.send({ type: 'list' })
  const { clients } = await signaling.next('clients')
  return clients
}

export async function call (id: string): Promise<void> {
  otherId = id
  await link.offer()
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}

/** The session of the call, as the server told this end. */
export function session (): string | undefined {
  return sessionId
}
