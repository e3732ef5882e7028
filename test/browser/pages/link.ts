import { Queue } from './queue.js'

/** How a dialect carries what one end has to tell the other. */
export interface Carrier {
  readonly description: (description: RTCSessionDescriptionInit) => void
  /** Null when there are no more. */
  readonly candidate: (candidate: RTCIceCandidateInit | null) => void
}

/** One end of a data channel over a real peer connection: descriptions and trickled candidates go out by the carrier. */
export class Link {
  readonly #connection: RTCPeerConnection
  readonly #carrier: Carrier
  readonly #channels = new Queue<RTCDataChannel>()
  readonly #texts = new Queue<string>()
  #isCaller = false
  /** Candidates wait until the description before them is set. */
  #taken = Promise.resolve()

  constructor (carrier: Carrier, configuration: RTCConfiguration = { iceServers: [] }) {
    this.#connection = new RTCPeerConnection(configuration)
    this.#carrier = carrier
    this.#connection.onicecandidate = ({ candidate }) => carrier.candidate(candidate?.toJSON() ?? null)
    this.#connection.ondatachannel = ({ channel }) => this.#use(channel)
  }

  async offer (label = 'talk'): Promise<void> {
    this.#isCaller = true
    this.#use(this.#connection.createDataChannel(label))
    await this.#describe()
  }

  /** Takes a description of the other end; an offer is answered. */
  takeDescription (description: RTCSessionDescriptionInit): void {
    this.#take(async () => {
      await this.#connection.setRemoteDescription(description)
      if (description.type === 'offer') await this.#describe()
    })
  }

  takeCandidate (candidate: RTCIceCandidateInit | null): void {
    this.#take(async () => await this.#connection.addIceCandidate(candidate))
  }

  /** Says something to the other end and answers what it says. */
  async exchange (text: string): Promise<string> {
    const channel = await this.#channels.next('an open data channel')
    if (this.#isCaller) channel.send(text)
    const heard = await this.#texts.next('a text over the data channel')
    // Chromium can drop what the called end sends before it has heard anything.
    if (!this.#isCaller) channel.send(text)
    return heard
  }

  /** The kinds of the two candidates that the ends talk over, its own first. */
  async route (): Promise<string[]> {
    const reports = [...(await this.#connection.getStats()).values()] as Array<Record<string, unknown>>
    const pair = reports.find(({ type, nominated }) => type === 'candidate-pair' && nominated === true)
    return [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => String(reports.find((report) => report.id === id)?.candidateType))
  }

  async #describe (): Promise<void> {
    await this.#connection.setLocalDescription()
    const { type, sdp } = this.#connection.localDescription as RTCSessionDescription
    this.#carrier.description({ type, sdp })
  }

  #use (channel: RTCDataChannel): void {
    channel.onmessage = ({ data }: MessageEvent<string>) => this.#texts.push(data)
    if (channel.readyState === 'open') this.#channels.push(channel)
    else channel.onopen = () => this.#channels.push(channel)
  }

  #take (step: () => Promise<void>): void {
    this.#taken = this.#taken.then(step)
  }
}
