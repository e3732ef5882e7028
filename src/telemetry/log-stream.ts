import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogStream {
  write (line: string): void
  /** Writes what is left, and ends. */
  end (): void
}

export interface LogStreamOptions {
  /** Absent, it is the standard output. */
  readonly path?: string
  /** Told why lines were lost. */
  readonly onError?: (error: Error) => void
  /** Of lines that were lost since their reader stood still, the line that says so. */
  readonly describeLoss: (lines: number) => string
}

const stdoutFd = 1
/** Past so many characters a turn's lines do not wait for its end. */
const flushLength = 65_536
/** So many characters wait for the reader of a pipe that is full; past that lines are lost. */
const maxWaiting = 1_048_576
/** How often such a reader is tried again. In ms. */
const retryMs = 20
/** How long it is waited for at the end. In ms. */
const maxEndMs = 250
const nothing = Buffer.alloc(0)

/**
 * Lines for a file: those of one turn of the event loop are one write, which takes 7 % off what a connect costs. Lines of the last turn
 * are written on exit. Nobody waits for a reader that stands still. Not sonic-boom: its `flushSync` tries a full disk again for ever.
 *
 * @throws the error of the system when the file cannot be opened
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

  /** Writes as much as is taken; false if that is not all. */
  function flush (): boolean {
    turn = retry = undefined
    do {
      if (rest.length === 0) {
        rest = Buffer.from(waiting)
        waiting = ''
      }
      try {
        while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false
        rest = nothing
        onError(error as Error)
      }
      if (waiting === '') waiting = lossLine()
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

/** A pipe takes what it has room for, instead of a write that waits for its reader, once Node has made its own stream for it. */
function openStdout (): number {
  const isPipe = (() => {
    try {
      const stats = fstatSync(stdoutFd)
      return stats.isFIFO() || stats.isSocket()
    } catch {
      return false
    }
  })()
  // Made when it is first asked for.
  return isPipe ? (process.stdout as { fd?: number }).fd ?? stdoutFd : stdoutFd
}

/** For the eyes of its owner only. A named pipe, too, takes what it has room for. */
function openFile (path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o600)
}
