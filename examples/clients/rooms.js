import { Call } from './call.js'

/** A client of `rooms`. The first opens a room and gives its code to the other, who joins and calls. A call has two ends. */
export class RoomsClient {
  /** @type {(roomId: string) => void} You are in the room with this code. */
  onready = () => {}
  /** @type {(call: Call) => void} A call begins. Set its handlers now. */
  oncall = () => {}
  /** @type {(message: string) => void} The server refused the last frame. */
  onerror = () => {}
  /** @type {(code: number, reason: string) => void} The server can no longer be reached. A call goes on without it. */
  onclose = () => {}

  /** @type {Call | undefined} */
  #call
  /** @type {string | undefined} Who is at the other end of the call. */
  #otherId

  /**
   * @param {string} url such as wss://example.com/rooms
   * @param {{ roomId?: string | undefined, token?: string | undefined, configuration?: RTCConfiguration }} [options] without
   *   `roomId`, a room is opened. The configuration has the ICE servers
   */
  constructor (url, { roomId, token, configuration } = {}) {
    this.configuration = configuration
    this.socket = new WebSocket(url, token === undefined ? [] : ['signalbox.jwt', token])
    this.socket.onopen = () => this.#send(roomId === undefined ? { type: 'create' } : { type: 'join', roomId })
    this.socket.onmessage = ({ data }) => this.#take(JSON.parse(data))
    this.socket.onclose = ({ code, reason }) => this.onclose(code, reason)
  }

  close () {
    this.#call?.close()
    this.socket.close()
  }

  /** @param {any} frame */
  #take ({ type, roomId, senderId, payload, message }) {
    if (type === 'room_created' || type === 'room_joined') this.onready(roomId)
    // Nobody is told who joins, so whoever joins calls. The server keeps the offer if the other is not back yet.
    if (type === 'room_joined') this.#begin(true)
    if (type === 'signal') this.#takeSignal(senderId, payload)
    if (type === 'error') this.onerror(message)
  }

  /**
   * A signal goes to everybody in the room: those of a third do not disturb a call.
   *
   * @param {string} senderId
   * @param {import('./call.js').Signal} signal
   */
  #takeSignal (senderId, signal) {
    const isCall = 'type' in signal && signal.type === 'offer' && senderId !== this.#otherId
    if (isCall && this.#call?.connection.connectionState !== 'connected') {
      this.#call?.close()
      this.#begin(false)
      this.#otherId = senderId
    }
    this.#otherId ??= senderId
    if (senderId === this.#otherId) this.#call?.take(signal)
  }

  /** @param {boolean} isCaller */
  #begin (isCaller) {
    this.#otherId = undefined
    this.#call = new Call(isCaller, (payload) => this.#send({ type: 'signal', payload }), this.configuration)
    this.oncall(this.#call)
  }

  /** @param {object} frame */
  #send (frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame))
  }
}
