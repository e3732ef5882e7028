import type { Connection } from '../dialect/connection.js'
import type { Chooser, CompiledDialect, DialectSource, Handshake } from '../dialect/dialect.js'
import type { JsonObject } from '../frame/parse.js'

/** A socket is closed after this many frames that fit no dialect. */
const maxUnknown = 3

/** What a connection holds until its dialect is opened. */
export class Handshaking {
  readonly handshake: Handshake
  readonly #chooser: Chooser | undefined
  #unknown = 0

  constructor (handshake: Handshake, source: DialectSource) {
    this.handshake = handshake
    this.#chooser = 'choose' in source ? source : undefined
  }

  /** The dialect that a frame fits. Undefined when there is none, which counts. */
  choose (frame: JsonObject | undefined): CompiledDialect | undefined {
    const dialect = this.#chooser?.choose(frame)
    if (dialect === undefined) this.#unknown++
    return dialect
  }

  /** The answer to a frame that fits no dialect. */
  get unknown (): Chooser['unknown'] {
    return this.#chooser?.unknown ?? ''
  }

  get hasFailed (): boolean {
    return this.#unknown >= maxUnknown
  }
}

/** Opens a dialect: `opened` gets its peer, or undefined when it closed the connection instead. A promise when that takes time. */
export function openDialect (
  dialect: CompiledDialect,
  connection: Connection,
  handshake: Handshake,
  { opened, failed }: { opened: (peer: unknown) => void, failed: (error: unknown) => void }
): Promise<void> | undefined {
  try {
    const peer = dialect.open(connection, handshake)
    if (peer instanceof Promise) return peer.then(opened).catch(failed)
    opened(peer)
  } catch (error) {
    failed(error)
  }
}
