import { Call } from './call.js'

/** A client of `drone`: a drone, a camera or a monitor. Each may call any other by its id. */
export class DroneClient {
  /** You are registered. */
  onready = () => {}
  /** @type {(ids: string[]) => void} Who else is there, after `list`. */
  onclients = () => {}
  /** @type {(call: Call, id: string) => void} A call begins, yours or that of another client. Set its handlers now. */
  oncall = () => {}
  /** @type {(message: string) => void} The server refused a frame. */
  onerror = () => {}
  /** @type {(code: number, reason: string) => void} The server can no longer be reached. Calls go on without it. */
  onclose = () => {}

  /** @type {Map<string, { call: Call, sessionId?: string }>} By the other client's id. */
  #sessions = new Map()

  /**
   * @param {string} url such as wss://example.com/drone
   * @param {{ id: string, token?: string | undefined, configuration?: RTCConfiguration }} options the configuration has the ICE
   *   servers
   */
  constructor (url, { id, token, configuration }) {
    this.configuration = configuration
    this.socket = new WebSocket(url, token === undefined ? [] : ['signalbox.jwt', token])
    this.socket.onopen = () => this.#send({ type: 'register', id })
    this.socket.onmessage = ({ data }) => this.#take(JSON.parse(data))
    this.socket.onclose = ({ code, reason }) => this.onclose(code, reason)
  }

  /** Asks who is there, for `onclients`. */
  list () {
    this.#send({ type: 'list' })
  }

  /** @param {string} id whom to call. If nobody has that id, `onerror` says `Target client not found`. */
  call (id) {
    this.#begin(id, true)
  }

  close () {
    for (const { call } of this.#sessions.values()) call.close()
    this.socket.close()
  }

  /** @param {any} frame */
  #take ({ type, clients, from, sdp, candidate, sessionId, message }) {
    if (type === 'registered') this.onready()
    if (type === 'clients') this.onclients(clients)
    if (type === 'error') this.onerror(message)
    if (!['offer', 'answer', 'ice'].includes(type)) return
    let session = this.#sessions.get(from)
    if (type === 'offer' && session?.call.hasEnded !== false) session = this.#begin(from, false)
    if (session === undefined) return
    // The server names the session that an offer begins. What follows belongs to it.
    session.sessionId = sessionId
    session.call.take(type === 'ice' ? { candidate } : { type, sdp })
  }

  /**
   * @param {string} target
   * @param {boolean} isCaller
   */
  #begin (target, isCaller) {
    const call = new Call(isCaller, (signal) => {
      const { sessionId } = session
      if ('candidate' in signal) this.#send({ type: 'ice', target, candidate: signal.candidate, sessionId })
      else this.#send({ ...signal, target, sessionId })
    }, this.configuration)
    /** @type {{ call: Call, sessionId?: string }} */
    const session = { call }
    this.#sessions.set(target, session)
    this.oncall(call, target)
    return session
  }

  /** @param {object} frame */
  #send (frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame))
  }
}
