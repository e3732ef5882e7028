import type { Connection } from '../dialect/connection.js'
import type { Chooser, CompiledDialect, DialectSource, Handshake } from '../dialect/dialect.js'
import type { FrameLike } from '../frame/bytes.js'
import { closeCodes } from '../frame/close-codes.js'
import type { JsonObject } from '../frame/parse.js'

/** A socket is closed after this many frames that fit no dialect. */
const maxUnknown = 3

/** What a connection holds until its dialect is opened. */
export class Handshaking {
  readonly handshake: Handshake
  readonly #chooser: Chooser | undefined
  #unknown = 0
  #answer: FrameLike = ''

  constructor (handshake: Handshake, source: DialectSource) {
    this.handshake = handshake
    this.#chooser = 'choose' in source ? source : undefined
  }

  /** The dialect that a frame fits. Undefined when there is none, which counts unless the frame is a ping. */
  choose (frame: JsonObject | undefined, bytes: Buffer): CompiledDialect | undefined {
    const dialect = this.#chooser?.choose(frame)
    if (dialect !== undefined) return dialect
    const toPing = this.#chooser?.answerPing(frame, bytes)
    if (toPing === undefined) this.#unknown++
    this.#answer = toPing ?? this.#chooser?.unknown ?? ''
    return undefined
  }

  /** The answer to the last frame, which chose no dialect. */
  get answer (): FrameLike {
    return this.#answer
  }

  get hasFailed (): boolean {
    return this.#unknown >= maxUnknown
  }
}

/** Opens a dialect: `opened` gets its peer. Closes the connection when there is none, or it `failed`. A promise when that takes time. */
export function openDialect (
  dialect: CompiledDialect,
  connection: Connection,
  handshake: Handshake,
  { opened, failed }: { opened: (peer: unknown) => void, failed: (error: unknown) => void }
): Promise<void> | undefined {
  const begin = (peer: unknown): void => {
    opened(peer)
    if (peer === undefined) return connection.close(closeCodes.policy)
    const { ping } = dialect
    if (ping !== undefined) connection.every(ping.everyMs, () => connection.deliver(ping.frame))
  }
  const end = (error: unknown): void => {
    failed(error)
    connection.close(closeCodes.policy)
  }
  try {
    const peer = dialect.open(connection, handshake)
    if (peer instanceof Promise) return peer.then(begin).catch(end)
    begin(peer)
  } catch (error) {
    end(error)
  }
}
