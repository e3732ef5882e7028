import type { Candidate } from './explain/candidates.js'
import { distinct, type IceError } from './explain/ice-errors.js'

/** A server that did not answer by then will not: a browser asks again for up to a minute. */
const gatherMs = 10_000
const callMs = 15_000

export interface Gathered {
  /** Whether all servers were asked, and have answered or failed. */
  readonly isComplete: boolean
  readonly candidates: readonly Candidate[]
  readonly errors: readonly IceError[]
}

interface Gathering {
  readonly ended: AbortSignal
  readonly onCandidate?: (candidates: readonly Candidate[]) => void
  /** What makes waiting for more useless. */
  readonly isEnough?: (candidate: Candidate) => boolean
}

/** The candidates that these servers give this browser. */
export async function gather (iceServers: RTCIceServer[], { ended, onCandidate, isEnough }: Gathering): Promise<Gathered> {
  const peer = new RTCPeerConnection({ iceServers })
  const found = listen(peer, (candidates) => {
    onCandidate?.(candidates)
  })
  try {
    peer.createDataChannel('')
    const enough = new Promise<void>((resolve) => {
      peer.addEventListener('icecandidate', () => {
        if (found.candidates.some((candidate) => isEnough?.(candidate) === true)) resolve()
      })
    })
    await peer.setLocalDescription()
    await Promise.race([found.complete, enough, timeout(gatherMs, ended)])
    return { isComplete: peer.iceGatheringState === 'complete', candidates: found.candidates, errors: distinct(found.errors) }
  } finally {
    peer.close()
  }
}

export interface Call extends Omit<Gathered, 'isComplete'> {
  /** How long a message took there and back, in ms; undefined where none came through. */
  readonly roundTripMs: number | undefined
}

/** Calls this page itself through one TURN server alone, and sends a message there and back. */
export async function callThrough (server: RTCIceServer, ended: AbortSignal): Promise<Call> {
  const configuration: RTCConfiguration = { iceServers: [server], iceTransportPolicy: 'relay' }
  const [caller, callee] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)]
  const sides = [listen(caller), listen(callee)]
  try {
    sendCandidates(caller, callee)
    sendCandidates(callee, caller)
    callee.addEventListener('datachannel', ({ channel }) => {
      channel.addEventListener('message', ({ data }) => channel.send(data as string))
    })
    const answered = echoOn(caller.createDataChannel('connection test'))
    await caller.setLocalDescription()
    await callee.setRemoteDescription(caller.localDescription as RTCSessionDescription)
    await callee.setLocalDescription()
    await caller.setRemoteDescription(callee.localDescription as RTCSessionDescription)
    const roundTripMs = await Promise.race([answered, withoutRelay(sides), failed(caller), timeout(callMs, ended)])
    return {
      roundTripMs: roundTripMs ?? undefined,
      candidates: sides.flatMap(({ candidates }) => candidates),
      errors: distinct(sides.flatMap(({ errors }) => errors))
    }
  } finally {
    caller.close()
    callee.close()
  }
}

interface Listening {
  readonly candidates: Candidate[]
  readonly errors: IceError[]
  readonly complete: Promise<void>
}

function listen (peer: RTCPeerConnection, onCandidate: (candidates: readonly Candidate[]) => void = () => {}): Listening {
  const candidates: Candidate[] = []
  const errors: IceError[] = []
  const complete = new Promise<void>((resolve) => {
    peer.addEventListener('icegatheringstatechange', () => {
      if (peer.iceGatheringState === 'complete') resolve()
    })
  })
  peer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate === null || candidate.candidate === '') return
    candidates.push(readCandidate(candidate))
    onCandidate([...candidates])
  })
  peer.addEventListener('icecandidateerror', ({ errorCode: code, errorText: text, url }) => {
    errors.push({ code, text, url })
  })
  return { candidates, errors, complete }
}

/** What the types of TypeScript lack. */
interface FullCandidate extends RTCIceCandidate {
  readonly relayProtocol?: string | null
  readonly url?: string | null
}

function readCandidate ({ type, protocol, address, port, relayProtocol, url }: FullCandidate): Candidate {
  return {
    type: type ?? 'unknown',
    protocol: protocol ?? 'unknown',
    address: address ?? 'unknown',
    port,
    relayProtocol: relayProtocol ?? null,
    url: url ?? null
  }
}

/** A candidate that comes before the description waits for it. */
function sendCandidates (from: RTCPeerConnection, to: RTCPeerConnection): void {
  const described = new Promise<void>((resolve) => {
    to.addEventListener('signalingstatechange', () => {
      if (to.remoteDescription !== null) resolve()
    })
  })
  from.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate === null) return
    described.then(async () => await to.addIceCandidate(candidate)).catch(() => {
      // The call is over: its connections are closed.
    })
  })
}

async function echoOn (channel: RTCDataChannel): Promise<number> {
  return await new Promise((resolve) => {
    channel.addEventListener('open', () => {
      const sentAt = performance.now()
      channel.addEventListener('message', () => resolve(performance.now() - sentAt), { once: true })
      channel.send('hello')
    })
  })
}

/** Resolves when one side has asked the server, and has no relay. */
async function withoutRelay (sides: readonly Listening[]): Promise<undefined> {
  await Promise.any(sides.map(async ({ complete, candidates }) => {
    await complete
    if (candidates.length > 0) throw new Error('it has one')
  })).catch(async () => await new Promise(() => {}))
}

async function failed (peer: RTCPeerConnection): Promise<undefined> {
  return await new Promise((resolve) => {
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') resolve(undefined)
    })
  })
}

async function timeout (ms: number, ended: AbortSignal): Promise<undefined> {
  return await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    ended.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
  })
}
