import { Queue } from './queue.js'
import { type Frame, Signaling } from './signaling.js'

/** As the daemon writes a candidate: an index of 0 is left out. */
interface CandidatePayload {
  readonly candidate: string
  readonly sdp_mid?: string
  readonly sdp_mline_index?: number
}

let signaling: Signaling
let ownId: string
const connections = new Map<string, RTCPeerConnection>()
const heard = new Queue<number[]>()
const opened = new Queue<RTCDataChannel>()
/** Answers that are being taken: the daemon reads nothing meanwhile. An offer it takes beside what it reads. */
let answering = Promise.resolve()
/** Candidates that came too early, as the daemon keeps none. */
let lost = 0
let taken = 0
/** The names by which candidates of earlier calls can be told. */
const earlier = new Set<string>()

/** Registers what does as psync's daemon: it answers whoever calls, keeps nothing, and sends bytes back that it gets. */
export async function register (url: string, peerId: string, groupId: string): Promise<void> {
  ownId = peerId
  signaling = new Signaling(url)
  signaling.on('offer', answer)
  signaling.on('answer', ({ source_id: source, payload }) => {
    const { sdp } = payload as { sdp: string }
    answering = connections.get(source as string)?.setRemoteDescription({ type: 'answer', sdp }) ?? answering
  })
  signaling.on('candidate', takeCandidate)
  signaling.send({ type: 'register', source_id: peerId, payload: { peer_id: peerId, group_id: groupId } })
  await signaling.next('peer_list')
}

async function answer ({ source_id: source, payload }: Frame): Promise<void> {
  const connection = begin(source as string)
  connection.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => channel.send(data) }
  await connection.setRemoteDescription({ type: 'offer', sdp: (payload as { sdp: string }).sdp })
  await connection.setLocalDescription()
  send('answer', source as string, { sdp: connection.localDescription?.sdp })
}

/** Offers to a peer, says bytes, and answers what comes back. */
export async function echo (target: string, byte: number): Promise<number[]> {
  const connection = begin(target)
  const channel = connection.createDataChannel('sync')
  channel.binaryType = 'arraybuffer'
  channel.onopen = () => opened.push(channel)
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => heard.push([...new Uint8Array(data)])
  await connection.setLocalDescription()
  send('offer', target, { sdp: connection.localDescription?.sdp })
  const open = await opened.next('an open data channel')
  open.send(new Uint8Array([byte, 1, 2]))
  return await heard.next('bytes')
}

/** How many candidates it has taken, and how many came too early. */
export function candidates (): { taken: number, lost: number } {
  return { taken, lost }
}

function begin (other: string): RTCPeerConnection {
  const before = connections.get(other)
  const [, ufrag] = /a=ice-ufrag:(\S+)/.exec(before?.remoteDescription?.sdp ?? '') ?? []
  if (ufrag !== undefined) earlier.add(`ufrag ${ufrag}`)
  before?.close()
  const connection = new RTCPeerConnection({ iceServers: [] })
  connections.set(other, connection)
  connection.onicecandidate = ({ candidate }) => {
    if (candidate === null || candidate.candidate === '') return
    const { sdpMid, sdpMLineIndex } = candidate
    send('candidate', other, {
      candidate: candidate.candidate,
      ...(sdpMid !== null && { sdp_mid: sdpMid }),
      ...(sdpMLineIndex !== null && sdpMLineIndex > 0 && { sdp_mline_index: sdpMLineIndex })
    })
  }
  return connection
}

async function takeCandidate ({ source_id: source, payload }: Frame): Promise<void> {
  const { candidate, sdp_mid: sdpMid, sdp_mline_index: sdpMLineIndex = 0 } = payload as CandidatePayload
  await answering
  const connection = connections.get(source as string)
  if (connection?.remoteDescription == null) {
    // One of the call before, which its answer has, is late and not early.
    if (![...earlier].some((ufrag) => candidate.includes(ufrag))) lost++
    return
  }
  await connection.addIceCandidate({ candidate, sdpMLineIndex, ...(sdpMid !== undefined && { sdpMid }) })
  taken++
}

function send (type: string, target: string, payload: unknown): void {
  signaling.send({ type, source_id: ownId, target_id: target, payload })
}
