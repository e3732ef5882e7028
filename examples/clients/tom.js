import { Call } from './call.js'

/** A client of `tom`: a node that hears of all others and may call any of them. */
export class TomClient {
  /** You are registered. */
  onready = () => {}
  /** @type {(nodes: Array<{ nodeId: string, username: string }>) => void} All nodes that are there, yourself included. */
  onparticipants = () => {}
  /** @type {(call: Call, nodeId: string) => void} A call begins, yours or that of another node. Set its handlers now. */
  oncall = () => {}
  /** @type {(message: string) => void} The server refused a frame. */
  onerror = () => {}
  /** @type {(code: number, reason: string) => void} The server can no longer be reached. Calls go on without it. */
  onclose = () => {}

  /** @type {Map<string, Call>} By the other node's id. */
  #calls = new Map()
  #isReady = false

  /**
   * @param {string} url such as wss://example.com/tom
   * @param {{ nodeId: string, username: string, token?: string | undefined, configuration?: RTCConfiguration }} options the
   *   configuration has the ICE servers
   */
  constructor (url, { nodeId, username, token, configuration }) {
    this.nodeId = nodeId
    this.configuration = configuration
    this.socket = new WebSocket(url, token === undefined ? [] : ['signalbox.jwt', token])
    this.socket.onopen = () => this.#send({ type: 'register', nodeId, username })
    this.socket.onmessage = ({ data }) => this.#take(JSON.parse(data))
    this.socket.onclose = ({ code, reason }) => this.onclose(code, reason)
  }

  /** @param {string} nodeId whom to call. If nobody has that id, `onerror` says `peer not found`. */
  call (nodeId) {
    this.#begin(nodeId, true)
  }

  close () {
    for (const call of this.#calls.values()) call.close()
    this.socket.close()
  }

  /** @param {any} frame */
  #take ({ type, participants, from, payload, error }) {
    if (type === 'participants') {
      // There is no answer to `register` but the first list.
      if (!this.#isReady) this.onready()
      this.#isReady = true
      this.onparticipants(participants)
    }
    if (type === 'signal') {
      const call = this.#calls.get(from)
      const isNew = payload.type === 'offer' && call?.hasEnded !== false
      ;(isNew ? this.#begin(from, false) : call)?.take(payload)
    }
    if (type === 'error') this.onerror(error)
  }

  /**
   * @param {string} to
   * @param {boolean} isCaller
   */
  #begin (to, isCaller) {
    const call = new Call(isCaller, (signal) => {
      const payload = 'candidate' in signal ? { type: 'candidate', ...signal } : signal
      this.#send({ type: 'signal', from: this.nodeId, to, payload })
    }, this.configuration)
    this.#calls.set(to, call)
    this.oncall(call, to)
    return call
  }

  /** @param {object} frame */
  #send (frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame))
  }
}
