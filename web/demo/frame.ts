/** What a row of the diagram shows of a frame. */
export interface FrameView {
  /** `offer`, or `signal · offer` where a dialect packs it. */
  readonly label: string
  /** Whether it is from the other page, or for it; else the server itself wrote it, or reads it. */
  readonly isRelayed: boolean
  /** In bytes. */
  readonly size: number
  readonly isError: boolean
  /** For people. */
  readonly content: string
}

/** The types, in any dialect, of what one peer tells another. */
const signals = new Set(['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'signal', 'offer', 'answer', 'candidate', 'ice'])

/** Reads a frame of any dialect. */
export function viewOf (data: string): FrameView {
  const size = new TextEncoder().encode(data).length
  try {
    const frame = JSON.parse(data) as { type: string, payload?: { type?: string, candidate?: unknown } }
    const { type, payload } = frame
    const packed = type === 'signal' ? payload?.type ?? (payload?.candidate !== undefined ? 'candidate' : undefined) : undefined
    return {
      label: packed === undefined ? type : `${type} · ${packed}`,
      isRelayed: signals.has(type),
      size,
      isError: type.toLowerCase() === 'error',
      content: pretty(frame)
    }
  } catch {
    return { label: 'text', isRelayed: false, size, isError: false, content: data }
  }
}

/** Indented, and the lines of an SDP below each other. */
function pretty (frame: unknown): string {
  return JSON.stringify(frame, null, 2).split('\n').map((line) => {
    const indent = ' '.repeat(line.search(/\S/) + 2)
    return line.replace(/\\r\\n(?=.)/g, `\n${indent}`)
  }).join('\n')
}
