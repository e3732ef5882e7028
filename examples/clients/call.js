/** @typedef {RTCSessionDescriptionInit | { candidate: RTCIceCandidateInit }} Signal what one end of a call tells the other */

/**
 * One end of a call: a chat, and pictures when an end shows some. How signals travel is the client's business. Either end may
 * change what it shows at any time. If both do at once, the end that was called gives way
 * (https://w3c.github.io/webrtc-pc/#perfect-negotiation-example).
 */
export class Call {
  /** Texts can be said. */
  onopen = () => {}
  /** @type {(text: string) => void} The other end said something. */
  ontext = () => {}
  /** @type {(stream: MediaStream | undefined) => void} The other end shows something, or no longer does. */
  onstream = () => {}
  /** The call is over, whoever ended it. */
  onend = () => {}

  hasEnded = false

  /** @type {RTCDataChannel | undefined} */
  #channel
  #isCaller
  #isOffering = false
  #ignoresOffer = false

  /**
   * @param {boolean} isCaller the caller makes the first offer; the other end answers it
   * @param {(signal: Signal) => void} send takes a signal to the other end, whose `take` gets it
   * @param {RTCConfiguration} [configuration] has the ICE servers
   */
  constructor (isCaller, send, configuration) {
    this.#isCaller = isCaller
    this.send = send
    const connection = this.connection = new RTCPeerConnection(configuration)
    connection.onicecandidate = ({ candidate }) => { if (candidate !== null) send({ candidate: candidate.toJSON() }) }
    connection.onnegotiationneeded = () => this.#offer()
    connection.ondatachannel = ({ channel }) => this.#chatOver(channel)
    connection.onconnectionstatechange = () => { if (connection.connectionState === 'failed') this.close() }
    connection.ontrack = ({ streams: [stream] }) => {
      this.onstream(stream)
      if (stream) stream.onremovetrack = () => { if (stream.getTracks().length === 0) this.onstream(undefined) }
    }
    // This needs an offer, which the browser asks for.
    if (isCaller) this.#chatOver(connection.createDataChannel('chat'))
  }

  /** @param {string} text */
  say (text) {
    this.#channel?.send(text)
  }

  /** @param {MediaStream} stream such as the camera's */
  show (stream) {
    for (const track of stream.getTracks()) this.connection.addTrack(track, stream)
  }

  hide () {
    for (const sender of this.connection.getSenders()) this.connection.removeTrack(sender)
  }

  /** @param {Signal} signal from the other end. They are taken in the order in which they were sent. */
  async take (signal) {
    const { connection } = this
    try {
      if ('candidate' in signal) return await connection.addIceCandidate(signal.candidate)
      const isGlare = signal.type === 'offer' && (this.#isOffering || connection.signalingState !== 'stable')
      this.#ignoresOffer = isGlare && this.#isCaller
      if (this.#ignoresOffer) return
      await connection.setRemoteDescription(signal)
      if (signal.type === 'offer') await this.#describe()
    } catch (error) {
      // Candidates of an offer that was ignored do not fit, nor does what comes after the end.
      if (!this.#ignoresOffer && !this.hasEnded) console.warn('a signal does not fit:', error)
    }
  }

  close () {
    if (this.hasEnded) return
    this.hasEnded = true
    this.connection.close()
    this.onend()
  }

  async #offer () {
    this.#isOffering = true
    await this.#describe().finally(() => { this.#isOffering = false })
  }

  async #describe () {
    await this.connection.setLocalDescription()
    const { type, sdp } = /** @type {RTCSessionDescription} */ (this.connection.localDescription)
    this.send({ type, sdp })
  }

  /** @param {RTCDataChannel} channel */
  #chatOver (channel) {
    this.#channel = channel
    channel.onopen = () => this.onopen()
    channel.onmessage = ({ data }) => this.ontext(data)
    channel.onclose = () => this.close()
  }
}
