import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogStream {
  write (line: string): void
  /** Writes what is left, and closes the file. */
  end (): void
}

export interface LogStreamOptions {
  /** Absent: the standard output. */
  readonly path?: string
  /** Called with the reason when lines cannot be written. */
  readonly onError?: (error: Error) => void
  /** The line that reports how many lines were lost. */
  readonly describeLoss: (lines: number) => string
}

const stdoutFd = 1
/** More characters than this do not wait for the end of their turn of the event loop. */
const flushLength = 65_536
/** Characters that wait for the reader of a full pipe. Lines beyond them are lost, and counted. */
const maxWaiting = 1_048_576
/** How often a full pipe is tried again. In ms. */
const retryMs = 20
/** How long the process waits for a full pipe when it ends. In ms. */
const maxEndMs = 60
const nothing = Buffer.alloc(0)
const newline = 10

/**
 * Writes lines to a file. Lines of one turn of the event loop are one write, which takes 7 % off what a connect costs. Lines of the last
 * turn are written on exit. A reader that stands still never holds up the process, only its end, and that for `maxEndMs`. Not
 * sonic-boom: its `flushSync` retries forever on a full disk (4.2.1).
 *
 * @throws the system's error when the file cannot be opened
 */
export function logStream ({ path, onError = () => {}, describeLoss }: LogStreamOptions): LogStream {
  const fd = path === undefined ? openStdout() : openFile(path)
  let waiting = ''
  /** What a full pipe has not taken yet. */
  let rest = nothing
  let lost = 0
  let turn: NodeJS.Immediate | undefined
  let retry: NodeJS.Timeout | undefined

  function lossLine (): string {
    const line = lost === 0 ? '' : `${describeLoss(lost)}\n`
    lost = 0
    return line
  }

  /** Writes all that waits. False if a full pipe has not taken all of it. */
  function flush (): boolean {
    turn = retry = undefined
    do {
      if (rest.length === 0) {
        rest = Buffer.from(waiting)
        waiting = ''
      }
      try {
        while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
        if (waiting === '') waiting = lossLine()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false
        lost += linesIn(rest)
        rest = nothing
        onError(error as Error)
      }
    } while (waiting !== '')
    return true
  }

  function flushOrRetry (): void {
    if (!flush()) retry = setTimeout(flushOrRetry, retryMs).unref()
  }

  function finish (): void {
    clearImmediate(turn)
    clearTimeout(retry)
    const deadline = performance.now() + maxEndMs
    while (!flush() && performance.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
  }

  process.on('exit', finish)
  return {
    write (line) {
      if (rest.length + waiting.length + line.length > maxWaiting) {
        lost++
        return
      }
      waiting += lossLine() + line
      if (retry !== undefined) return
      if (waiting.length > flushLength) flushOrRetry()
      else turn ??= setImmediate(flushOrRetry)
    },
    end () {
      process.off('exit', finish)
      finish()
      if (path !== undefined) closeSync(fd)
    }
  }
}

function linesIn (bytes: Buffer): number {
  let lines = 0
  for (const byte of bytes) if (byte === newline) lines++
  return lines
}

/** Node makes a pipe non-blocking when its own stream for it is first used: a write then takes what fits, and does not wait. */
function openStdout (): number {
  const isPipe = (() => {
    try {
      const stats = fstatSync(stdoutFd)
      return stats.isFIFO() || stats.isSocket()
    } catch {
      return false
    }
  })()
  return isPipe ? (process.stdout as { fd?: number }).fd ?? stdoutFd : stdoutFd
}

/** Readable by its owner only. Not blocking, for named pipes. */
function openFile (path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o600)
}
