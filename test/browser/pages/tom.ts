import { Link } from './link.js'
import { type Frame, Signaling } from './signaling.js'

type Signal = { type: 'offer' | 'answer', sdp: string } | { type: 'candidate', candidate: RTCIceCandidateInit }

let signaling: Signaling
let ownId: string
let otherId: string

const link = new Link({
  description: ({ type, sdp = '' }) => send({ type: type as 'offer' | 'answer', sdp }),
  candidate: (candidate) => { if (candidate !== null) send({ type: 'candidate', candidate }) }
})

function send (payload: Signal): void {
  signaling.send({ type: 'signal', from: ownId, to: otherId, payload })
}

function take (from: string, signal: Signal): void {
  otherId = from
  if (signal.type === 'candidate') link.takeCandidate(signal.candidate)
  else link.takeDescription(signal)
}

export function register (url: string, nodeId: string, username: string): void {
  ownId = nodeId
  signaling = new Signaling(url)
  signaling.on('signal', ({ from, payload }) => take(from as string, payload as Signal))
  signaling.send({ type: 'register', nodeId, username, publicKey: `key of ${nodeId}` })
}

/** The next frame that is not a signal. */
export async function next (type: string): Promise<Frame> {
  return await signaling.next(type)
}

export async function call (nodeId: string): Promise<void> {
  otherId = nodeId
  await link.offer()
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}
