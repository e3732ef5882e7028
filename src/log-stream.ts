import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface LogStream {
  write (line: string): void
  /** Writes what is left, and ends. */
  end (): void
}

const stdoutFd = 1
/** Past so many characters a turn's lines do not wait for its end. */
const maxWaiting = 65_536
/** How long to wait for the reader of a pipe that is full. In ms. */
const pauseMs = 10

/**
 * Lines for a file: those of one turn of the event loop are one write, which takes a sixth off what a connect costs. What the process
 * says in its last turn is written as it exits. Not by sonic-boom, whose flush tries a full disk again for ever, at a standstill.
 *
 * @param path absent, it is the standard output
 * @param onError told why lines were lost
 * @throws the error of the system when the file cannot be opened
 */
export function logStream (path?: string, onError: (error: Error) => void = () => {}): LogStream {
  const fd = path === undefined ? stdoutFd : openFile(path)
  let waiting = ''
  let turn: NodeJS.Immediate | undefined

  function flush (): void {
    const text = waiting
    waiting = ''
    turn = undefined
    try {
      writeAll(fd, Buffer.from(text))
    } catch (error) {
      onError(error as Error)
    }
  }

  process.on('exit', flush)
  return {
    write (line) {
      waiting += line
      if (waiting.length > maxWaiting) flush()
      else turn ??= setImmediate(flush)
    },
    end () {
      clearImmediate(turn)
      process.off('exit', flush)
      flush()
      if (path !== undefined) closeSync(fd)
    }
  }
}

function openFile (path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}

/** A pipe whose reader is slow takes a part, or nothing for the moment. */
function writeAll (fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    }
  }
}
