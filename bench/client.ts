import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { encodeFrame, frameHeader, opcodes, upgradeRequest } from '../src/testing/websocket.js'

/** The read buffer of all sockets. Each chunk is processed before the next read. */
const shared = Buffer.allocUnsafe(256 * 1024)

/** Not zero: `ws` would skip the unmasking. */
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

/** A client's frame. It is masked once and may be written any number of times. */
export function frameOf (text: string | Buffer, opcode: number = opcodes.text): Buffer {
  return encodeFrame(opcode, text, { mask })
}

/**
 * A WebSocket client that costs the load as little as possible: it writes frames that were encoded beforehand, and skips the
 * payload of incoming frames that only have to be counted.
 */
export class Client {
  readonly #socket: Socket
  /** Bytes received. */
  received = 0
  /** Frames of at least this many bytes are counted and not read. */
  #countFrom = Infinity
  #onCounted: (frames: number, largest: number) => void = () => {}
  #isUpgraded = false
  /** An incomplete header or small frame, or an incomplete answer to the upgrade. */
  #rest: Buffer | undefined
  /** Bytes still to come of a frame that is counted. */
  #left = 0
  /** The size of that frame, in bytes. */
  #size = 0
  #texts: string[] = []
  #waiting: ((text: string) => void) | undefined
  #onUpgraded: () => void = () => {}
  #fail: (error: Error) => void = () => {}
  /** Called with the reason when somebody else ends the connection. */
  onEnd: (error: Error) => void = () => {}

  private constructor (url: URL, localAddress: string | undefined) {
    this.#socket = connectSocket({
      host: url.hostname,
      port: Number(url.port),
      // With a local address the kernel searches all open sockets for a free port, which costs the load more than all the rest.
      ...(localAddress !== undefined && { localAddress }),
      noDelay: true,
      onread: { buffer: shared, callback: (length) => this.#read(length) }
    })
  }

  /** @param localAddress for more connections than one address has ports, which are a few ten thousand */
  static async connect (address: string, localAddress?: string): Promise<Client> {
    const url = new URL(address)
    const client = new Client(url, localAddress)
    await client.#upgrade(url)
    return client
  }

  async #upgrade (url: URL): Promise<void> {
    const socket = this.#socket
    const end = (error: Error) => {
      this.#fail(error)
      this.onEnd(error)
    }
    socket.on('error', end).on('close', () => end(new Error('the server has closed the connection')))
    const headers = ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits']
    socket.write(upgradeRequest(url.pathname + url.search, { host: url.host, headers }))
    await new Promise<void>((resolve, reject) => {
      this.#onUpgraded = resolve
      this.#fail = reject
    })
  }

  /** Writes frames that `frameOf` made. */
  write (frames: Buffer): void {
    this.#socket.write(frames)
  }

  /** The next text frame. */
  async next (): Promise<string> {
    const text = this.#texts.shift()
    if (text !== undefined) return text
    return await new Promise((resolve, reject) => {
      this.#waiting = resolve
      this.#fail = reject
    })
  }

  /**
   * From now on counts frames of at least `fromBytes`. Calls back for each chunk with their number and the largest one's size.
   * Smaller frames still go to `next`.
   */
  count (fromBytes: number, onCounted: (frames: number, largest: number) => void): void {
    this.#countFrom = fromBytes
    this.#onCounted = onCounted
  }

  /** Takes the text frames that nobody waited for. */
  takeTexts (): string[] {
    return this.#texts.splice(0)
  }

  /** Leaves with a close handshake. */
  async leave (): Promise<void> {
    this.onEnd = () => {}
    this.write(frameOf(Buffer.from([0x03, 0xe8]), opcodes.close))
    await once(this.#socket, 'close')
  }

  /** Ends with a reset, so that the port is free again at once. */
  destroy (): void {
    this.onEnd = () => {}
    this.#socket.resetAndDestroy()
  }

  #read (length: number): boolean {
    let chunk = shared.subarray(0, length)
    this.received += length
    if (this.#rest !== undefined) {
      chunk = Buffer.concat([this.#rest, chunk])
      this.#rest = undefined
    }
    let at = this.#isUpgraded ? 0 : this.#readResponse(chunk)
    let counted = 0
    let largest = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        at += taken
        this.#left -= taken
        if (this.#left > 0) break
        counted++
        largest = Math.max(largest, this.#size)
        continue
      }
      const header = frameHeader(chunk, at)
      if (header === undefined) {
        this.#rest = Buffer.from(chunk.subarray(at))
        break
      }
      const { start, size } = header
      if (size >= this.#countFrom) {
        this.#left = this.#size = size
        at = start
      } else if (start + size > chunk.length) {
        this.#rest = Buffer.from(chunk.subarray(at))
        break
      } else {
        this.#take((chunk[at] as number) & 0x0f, chunk.subarray(start, start + size))
        at = start + size
      }
    }
    if (counted > 0) this.#onCounted(counted, largest)
    return true
  }

  /** Reads the answer to the upgrade; answers where the frames begin. */
  #readResponse (chunk: Buffer): number {
    const end = chunk.indexOf('\r\n\r\n')
    if (end === -1) {
      this.#rest = Buffer.from(chunk)
      return chunk.length
    }
    if (!chunk.toString('latin1', 0, 12).endsWith(' 101')) {
      this.#fail(new Error(`no upgrade: ${chunk.toString('utf8', 0, 300)}`))
      return chunk.length
    }
    this.#isUpgraded = true
    this.#onUpgraded()
    return end + 4
  }

  #take (opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.write(frameOf(payload, opcodes.pong))
    else if (opcode === opcodes.close) this.#socket.end(frameOf(payload, opcodes.close))
    else if (opcode === opcodes.text) {
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting === undefined) this.#texts.push(payload.toString())
      else waiting(payload.toString())
    }
  }
}
