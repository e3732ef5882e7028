import { Link } from './link.js'
import { type Frame, Signaling } from './signaling.js'

let signaling: Signaling
let ownId: string
let otherId: string

const link = new Link({
  description: ({ type, sdp }) => send(type as 'offer' | 'answer', { sdp }),
  candidate: (candidate) => { if (candidate !== null) send('candidate', { candidate }) }
})

function send (type: 'offer' | 'answer' | 'candidate', payload: object): void {
  signaling.send({ type, source_id: ownId, target_id: otherId, payload })
}

function takeDescription (type: 'offer' | 'answer', { source_id: from, payload }: Frame): void {
  otherId = from as string
  const { sdp } = payload as { sdp: string }
  link.takeDescription({ type, sdp })
}

/** Answers the `peer_list` that the newcomer gets. */
export async function register (url: string, peerId: string, groupId: string): Promise<Frame> {
  ownId = peerId
  signaling = new Signaling(url)
  signaling.on('offer', (frame) => takeDescription('offer', frame))
  signaling.on('answer', (frame) => takeDescription('answer', frame))
  signaling.on('candidate', ({ payload }) => link.takeCandidate((payload as { candidate: RTCIceCandidateInit }).candidate))
  signaling.send({ type: 'register', source_id: peerId, payload: { peer_id: peerId, group_id: groupId } })
  return await signaling.next('peer_list')
}

/** Offers to the next peer that joins, as in the flow of the source document. Answers who that is. */
export async function callWhoJoins (): Promise<string> {
  const { payload } = await signaling.next('peer_joined')
  otherId = (payload as { peer: { id: string } }).peer.id
  signaling.send({ type: 'heartbeat', source_id: ownId, payload: { timestamp: Math.floor(Date.now() / 1000) } })
  await link.offer()
  return otherId
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}
