import { Call } from './call.js'

/** A client of `psync`: a peer of a group. Whoever joins calls everybody who is in the group. */
export class PsyncClient {
  /** @type {(peers: string[]) => void} You are in the group, with these others. */
  onready = () => {}
  /** @type {(call: Call, peerId: string) => void} A call begins, yours or that of another peer. Set its handlers now. */
  oncall = () => {}
  /** @type {(message: string) => void} The server refused a frame. */
  onerror = () => {}
  /** @type {(code: number, reason: string) => void} The server can no longer be reached. Calls go on without it. */
  onclose = () => {}

  /** @type {Map<string, Call>} By the other peer's id. */
  #calls = new Map()

  /**
   * @param {string} url such as wss://example.com/psync/ws
   * @param {{ peerId: string, groupId: string, token?: string | undefined, configuration?: RTCConfiguration }} options the
   *   configuration has the ICE servers
   */
  constructor (url, { peerId, groupId, token, configuration }) {
    this.peerId = peerId
    this.configuration = configuration
    this.socket = new WebSocket(url, token === undefined ? [] : ['signalbox.jwt', token])
    this.socket.onopen = () => this.#send({ type: 'register', payload: { peer_id: peerId, group_id: groupId } })
    this.socket.onmessage = ({ data }) => this.#take(JSON.parse(data))
    this.socket.onclose = ({ code, reason }) => this.onclose(code, reason)
  }

  close () {
    for (const call of this.#calls.values()) call.close()
    this.socket.close()
  }

  /** @param {any} frame */
  #take ({ type, source_id: from, payload }) {
    if (type === 'peer_list') {
      const ids = payload.peers.map((/** @type {{ id: string }} */ { id }) => id)
      this.onready(ids)
      for (const id of ids) this.#begin(id, true)
    }
    if (type === 'error') this.onerror(payload.message)
    const call = this.#calls.get(from)
    if (type === 'offer') (call?.hasEnded === false ? call : this.#begin(from, false)).take({ type, sdp: payload.sdp })
    if (type === 'answer') call?.take({ type, sdp: payload.sdp })
    if (type === 'candidate') call?.take({ candidate: candidateOf(payload) })
  }

  /**
   * @param {string} peerId
   * @param {boolean} isCaller
   */
  #begin (peerId, isCaller) {
    const call = new Call(isCaller, (signal) => {
      const isCandidate = 'candidate' in signal
      const type = isCandidate ? 'candidate' : signal.type
      const payload = isCandidate ? payloadOf(signal.candidate) : { sdp: signal.sdp }
      this.#send({ type, target_id: peerId, payload })
    }, this.configuration)
    this.#calls.set(peerId, call)
    this.oncall(call, peerId)
    return call
  }

  /** @param {{ type: string, target_id?: string, payload: object }} frame */
  #send (frame) {
    const { socket, peerId } = this
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...frame, source_id: peerId }))
  }
}

/** A candidate as the daemon writes it. @param {RTCIceCandidateInit} candidate */
function payloadOf ({ candidate, sdpMid, sdpMLineIndex }) {
  return { candidate, sdp_mid: sdpMid, sdp_mline_index: sdpMLineIndex }
}

/** The daemon leaves out an index of 0. @param {any} payload @returns {RTCIceCandidateInit} */
function candidateOf ({ candidate, sdp_mid: sdpMid = '', sdp_mline_index: sdpMLineIndex = 0 }) {
  return { candidate, sdpMid, sdpMLineIndex }
}
