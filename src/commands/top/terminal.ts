import type { ReadStream, WriteStream } from 'node:tty'
import type { Line } from './screen.js'

const csi = '\u001b['
/** The alternate screen, without a cursor, and without lines that go on in the next. */
const [entering, leaving] = [`${csi}?1049h${csi}?25l${csi}?7l`, `${csi}?7h${csi}?25h${csi}?1049l`]
const styles = { bold: 1, heading: 7, dim: 2, bad: 31 }
/** The last is Ctrl-C, which in raw mode is a key. */
const quitting = ['q', 'Q', '\u0003']

interface TerminalOptions {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly hasColors: boolean
  readonly onResize: () => void
  readonly onQuit: () => void
}

/** A screen of its own on a terminal, from `open` to `close`. */
export class Terminal {
  readonly #options: TerminalOptions
  readonly #signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

  constructor (options: TerminalOptions) {
    this.#options = options
  }

  open (): void {
    const { stdin, stdout, onQuit, onResize } = this.#options
    stdout.write(entering)
    stdout.on('resize', onResize).on('error', onQuit)
    for (const signal of this.#signals) process.on(signal, onQuit)
    if (!stdin.isTTY) return
    stdin.setRawMode(true)
    stdin.on('data', this.#onKey).on('error', onQuit)
  }

  get size (): { width: number, height: number } {
    const { columns, rows } = this.#options.stdout
    // Some terminals do not say.
    return { width: columns > 0 ? columns : 80, height: rows > 0 ? rows : 24 }
  }

  draw (lines: readonly Line[]): void {
    const { stdout, hasColors } = this.#options
    const styled = lines.map(({ text, style }) =>
      style === undefined || !hasColors ? text : `${csi}${styles[style]}m${text}${csi}0m`)
    const below = lines.length < this.size.height ? `\r\n${csi}J` : ''
    // Each line is emptied first: at its end, the last character would go, too.
    stdout.write(`${csi}H${styled.map((line) => `${csi}K${line}`).join('\r\n')}${below}`)
  }

  close (): void {
    const { stdin, stdout, onQuit, onResize } = this.#options
    stdout.write(leaving)
    stdout.off('resize', onResize)
    for (const signal of this.#signals) process.off(signal, onQuit)
    if (!stdin.isTTY) return
    stdin.off('data', this.#onKey).setRawMode(false)
    stdin.pause()
  }

  readonly #onKey = (keys: Buffer): void => {
    if (quitting.some((key) => keys.includes(key))) this.#options.onQuit()
  }
}
