import { connect, type Socket } from 'node:net'
import { encodeFrame, frameHeader, opcodes } from '../../src/testing/websocket.js'

export interface Approach {
  readonly port: number
  /** The local address, one of the loopback's. */
  readonly address: string
}

/** A bare TCP connection for what no honest client does. It records how it ended. */
export interface Intruder {
  readonly socket: Socket
  /** Resolves when the socket has closed, with the reason in a few words: `429`, `closed with 1008`, `cut`. */
  readonly end: Promise<string>
  /** Resolves with true once the server has upgraded it, with false when it does not. */
  readonly letIn: Promise<boolean>
  /** True until either side has ended the connection. */
  isOpen (): boolean
  /** Called with every text frame. */
  onText: (text: string) => void
  /** Called with the status of every HTTP response except the upgrade's. */
  onAnswer: (status: string) => void
  /** Waits for `ms`, or until the socket has closed. */
  wait (ms: number): Promise<void>
  /** Writes the bytes again and again, as fast as the server accepts them, for `ms`. Answers the longest wait, in ms. */
  flood (bytes: Buffer, ms: number): Promise<number>
  /** Ends the connection, with a FIN or a reset. The reason counts unless the server has ended it before. */
  go (reason: string, isReset?: boolean): void
  /** Ends the connection; answers how it ended. */
  leave (reason?: string): Promise<string>
}

export interface Manners {
  /** Ignores closes and refusals, and goes on. */
  isDeaf?: boolean
}

/** Connects, and writes the first bytes, if any. */
export function intrude ({ port, address }: Approach, firstWords = '', { isDeaf = false }: Manners = {}): Intruder {
  const socket = connect({ port, host: '127.0.0.1', localAddress: address, noDelay: true })
  let seen: string | undefined
  let isOpen = true
  let settleEntry = (_letIn: boolean): void => {}
  const letIn = new Promise<boolean>((resolve) => { settleEntry = resolve })
  const end = new Promise<string>((resolve) => {
    socket.on('error', ({ code }: NodeJS.ErrnoException) => { seen ??= code === 'ECONNRESET' || code === 'EPIPE' ? 'cut' : String(code) })
    socket.on('close', () => {
      isOpen = false
      settleEntry(false)
      resolve(seen ?? 'cut')
    })
  })
  if (firstWords !== '') socket.write(firstWords)

  let rest: Buffer = Buffer.alloc(0)
  let isUpgraded = false
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!isUpgraded) {
      const headEnd = rest.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const status = rest.toString('latin1', 9, 12)
      if (status !== '101') {
        seen ??= status
        for (const [, status = ''] of rest.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)) intruder.onAnswer(status)
        rest = Buffer.alloc(0)
        if (!isDeaf) socket.end()
        return
      }
      rest = rest.subarray(headEnd + 4)
      isUpgraded = true
      settleEntry(true)
    }
    rest = readFrames(rest, (opcode, payload) => {
      if (opcode === opcodes.text) intruder.onText(payload.toString())
      if (opcode === opcodes.close) {
        seen ??= `closed with ${payload.length < 2 ? 1005 : payload.readUInt16BE()}`
        if (!isDeaf) socket.end(encodeFrame(opcodes.close, payload.subarray(0, 2)))
      }
    })
  })

  const intruder: Intruder = {
    socket,
    end,
    letIn,
    isOpen: () => isOpen,
    onText () {},
    onAnswer () {},
    async wait (ms) {
      let timeout: NodeJS.Timeout | undefined
      await Promise.race([end, new Promise((resolve) => { timeout = setTimeout(resolve, ms) })])
      clearTimeout(timeout)
    },
    async flood (bytes, ms) {
      const until = performance.now() + ms
      let drained = (): void => {}
      const onDrain = () => drained()
      socket.on('drain', onDrain)
      const over = intruder.wait(ms)
      let longest = 0
      while (performance.now() < until && socket.writable) {
        const isDrained = new Promise<void>((resolve) => { drained = resolve })
        const writtenAt = performance.now()
        if (!socket.write(bytes)) await Promise.race([over, isDrained])
        else await new Promise(setImmediate)
        longest = Math.max(longest, performance.now() - writtenAt)
      }
      socket.off('drain', onDrain)
      return longest
    },
    go (reason, isReset = false) {
      seen ??= socket.writable ? reason : 'cut'
      if (isReset) socket.resetAndDestroy()
      else socket.destroy()
    },
    async leave (reason = 'left') {
      intruder.go(reason)
      return await end
    }
  }
  return intruder
}

/** Passes on every complete frame; answers the bytes that are left. */
function readFrames (bytes: Buffer, onFrame: (opcode: number, payload: Buffer) => void): Buffer {
  for (let header = frameHeader(bytes); header !== undefined; header = frameHeader(bytes)) {
    const { start, size } = header
    if (bytes.length < start + size) break
    onFrame((bytes[0] as number) & 15, bytes.subarray(start, start + size))
    bytes = bytes.subarray(start + size)
  }
  return bytes
}
