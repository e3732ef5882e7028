import { connect, type Socket } from 'node:net'
import { encodeFrame, frameHeader, opcodes } from '../../test/kit/websocket.js'

export interface Approach {
  readonly port: number
  /** Of the loopback, from where it comes. */
  readonly address: string
}

/** A bare TCP connection that does what a client should not, and tells what came of it. */
export interface Intruder {
  readonly socket: Socket
  /** How it ended, in a few words: `429`, `closed with 1008`, `reset`; settles when the socket has. */
  readonly end: Promise<string>
  /** True once the server has let it in. */
  readonly letIn: Promise<boolean>
  /** True until the server, or the intruder, has ended the connection. */
  isOpen (): boolean
  /** Told every frame of text. */
  onText: (text: string) => void
  /** Told the status of every answer but an upgrade's. */
  onAnswer: (status: string) => void
  /** Answers after so many ms, or when the socket has ended before. */
  wait (ms: number): Promise<void>
  /** Writes the same bytes as fast as the server takes them, for so many ms; answers the longest it had to wait, in ms. */
  flood (bytes: Buffer, ms: number): Promise<number>
  /** Goes, for this reason if nobody has stopped it before; if wished with a reset. */
  go (reason: string, isReset?: boolean): void
  /** The same; answers how it has ended. */
  leave (reason?: string): Promise<string>
}

export interface Manners {
  /** Goes on after a close and after a refusal, as if nothing had been said. */
  isDeaf?: boolean
}

/** Connects and says the first words, if any. */
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
