import { Link } from './link.js'
import { type Frame, Signaling } from './signaling.js'

type Signal = RTCSessionDescriptionInit | { candidate: RTCIceCandidateInit }

let signaling: Signaling
/** Clients pack their signals into text, or send them as they are: the server must not care. */
let asText: boolean

const link = new Link({
  description: (description) => send(description),
  candidate: (candidate) => { if (candidate !== null) send({ candidate }) }
})

function send (signal: Signal): void {
  signaling.send({ type: 'signal', payload: asText ? JSON.stringify(signal) : signal })
}

function take (payload: unknown): void {
  const signal = (typeof payload === 'string' ? JSON.parse(payload) : payload) as Signal
  if ('candidate' in signal) link.takeCandidate(signal.candidate)
  else link.takeDescription(signal)
}

function connect (url: string, payloads: 'texts' | 'objects'): void {
  asText = payloads === 'texts'
  signaling = new Signaling(url)
  signaling.on('signal', ({ payload }) => take(payload))
}

export async function create (url: string, payloads: 'texts' | 'objects'): Promise<Frame> {
  connect(url, payloads)
  signaling.send({ type: 'create' })
  return await signaling.next('room_created')
}

export async function join (url: string, payloads: 'texts' | 'objects', roomId: string): Promise<Frame> {
  connect(url, payloads)
  signaling.send({ type: 'join', roomId })
  return await signaling.next('room_joined')
}

export async function call (): Promise<void> {
  await link.offer()
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}
