import { Link } from './link.js'
import { type Frame, Signaling } from './signaling.js'

type Signal = RTCSessionDescriptionInit | { candidate: RTCIceCandidateInit }

let signaling: Signaling
let link: Link

function take (signal: Signal): void {
  if ('candidate' in signal) link.takeCandidate(signal.candidate)
  else link.takeDescription(signal)
}

/** Comes to the rooms of a server with a token, and asks it for the ICE servers. Nothing but a relay will do. */
async function connect (url: string, token: string): Promise<void> {
  const answer = await fetch(`${url}/ice-servers`, { headers: { authorization: `Bearer ${token}` } })
  const { iceServers } = await answer.json() as { iceServers: RTCIceServer[] }
  signaling = new Signaling(`${url.replace('http', 'ws')}/rooms?token=${token}`)
  const send = (signal: Signal) => signaling.send({ type: 'signal', payload: signal })
  link = new Link({
    description: send,
    candidate: (candidate) => { if (candidate !== null) send({ candidate }) }
  }, { iceServers, iceTransportPolicy: 'relay' })
  signaling.on('signal', ({ payload }) => take(payload as Signal))
}

export async function create (url: string, token: string): Promise<Frame> {
  await connect(url, token)
  signaling.send({ type: 'create' })
  return await signaling.next('room_created')
}

export async function join (url: string, token: string, roomId: string): Promise<Frame> {
  await connect(url, token)
  signaling.send({ type: 'join', roomId })
  return await signaling.next('room_joined')
}

export async function call (): Promise<void> {
  await link.offer()
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}

export async function route (): Promise<string[]> {
  return await link.route()
}
