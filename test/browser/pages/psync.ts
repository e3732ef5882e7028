import { Link } from './link.js'
import { Queue } from './queue.js'
import { type Frame, Signaling } from './signaling.js'

/** A candidate as the daemon writes it: an index 0 is left out. */
interface CandidatePayload {
  readonly candidate?: string | undefined
  readonly sdp_mid?: string
  readonly sdp_mline_index?: number
}

let signaling: Signaling
let ownId: string
const links = new Map<string, Link>()
const queues = new Map<string, Queue<Link>>()
const candidates: CandidatePayload[] = []

/** Registers as the daemon does, and offers to everybody who is in the group already. Answers who that is. */
export async function register (url: string, peerId: string, groupId: string): Promise<string[]> {
  ownId = peerId
  signaling = new Signaling(url)
  signaling.on('error', ({ payload }) => { throw new Error(JSON.stringify(payload)) })
  // Whoever joins later will offer.
  signaling.on('peer_joined', () => {})
  signaling.on('offer', (frame) => takeDescription(addLink(sourceOf(frame)), 'offer', frame))
  signaling.on('answer', (frame) => takeDescription(links.get(sourceOf(frame)), 'answer', frame))
  signaling.on('candidate', takeCandidate)
  signaling.send({ type: 'register', source_id: peerId, payload: { peer_id: peerId, group_id: groupId } })
  const { payload } = await signaling.next('peer_list')
  const ids = (payload as { peers: Array<{ id: string }> }).peers.map(({ id }) => id)
  for (const id of ids) await addLink(id).offer('sync')
  signaling.send({ type: 'heartbeat', source_id: peerId, payload: { timestamp: Math.floor(Date.now() / 1000) } })
  return ids
}

/** Says something to a peer over their own connection, once there is one, and answers what it says. */
export async function exchange (peerId: string, text: string): Promise<string> {
  const link = await queueOf(peerId).next(`a link to ${peerId}`)
  return await link.exchange(text)
}

/** The candidates that came, as they came. */
export function candidatesTaken (): CandidatePayload[] {
  return candidates
}

function addLink (peerId: string): Link {
  const link = new Link({
    description: ({ type, sdp }) => signaling.send({ type, source_id: ownId, target_id: peerId, payload: { sdp } }),
    candidate: (candidate) => { if (candidate !== null) sendCandidate(peerId, candidate) }
  })
  links.set(peerId, link)
  queueOf(peerId).push(link)
  return link
}

function queueOf (peerId: string): Queue<Link> {
  const queue = queues.get(peerId) ?? new Queue<Link>()
  queues.set(peerId, queue)
  return queue
}

function sendCandidate (peerId: string, { candidate, sdpMid, sdpMLineIndex }: RTCIceCandidateInit): void {
  const payload: CandidatePayload = {
    candidate,
    ...(sdpMid && { sdp_mid: sdpMid }),
    ...(sdpMLineIndex && { sdp_mline_index: sdpMLineIndex })
  }
  signaling.send({ type: 'candidate', source_id: ownId, target_id: peerId, payload })
}

function takeDescription (link: Link | undefined, type: 'offer' | 'answer', { payload }: Frame): void {
  link?.takeDescription({ type, sdp: (payload as { sdp: string }).sdp })
}

/** One from a peer without a link is lost. */
function takeCandidate (frame: Frame): void {
  const payload = frame.payload as CandidatePayload
  candidates.push(payload)
  const { candidate = '', sdp_mid: sdpMid = '', sdp_mline_index: sdpMLineIndex = 0 } = payload
  links.get(sourceOf(frame))?.takeCandidate({ candidate, sdpMid, sdpMLineIndex })
}

function sourceOf (frame: Frame): string {
  return frame.source_id as string
}
