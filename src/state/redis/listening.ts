import { Cluster, type Redis } from 'ioredis'
import { slotOf } from './keys.js'

/** How long what was published before the end may take to come in. In ms. */
const leaveWithinMs = 250

export interface ListeningParts {
  readonly commands: Redis | Cluster
  /** Connects to the Redis of `commands`, or to this master of its cluster. */
  readonly connect: (master?: Redis) => Redis
  readonly onMessage: (message: Buffer) => void
  /** A connection was lost. Not called once the end has begun. */
  readonly onLost: () => void
  /** Another master serves channels that were listened to. Not called once the end has begun. */
  readonly onMoved: () => void
}

/**
 * The connections on which a node listens: one, or one to each master of a cluster that serves a channel. What was subscribed through an
 * earlier one is forgotten with it. ioredis has such connections for a cluster, too. It subscribes them anew by itself and ends them at
 * once, and what Redis has handed to them by then is lost, after Redis has told its sender that somebody got it.
 */
export class Listening {
  readonly #parts: ListeningParts
  readonly #isSharded: boolean
  /** By their servers. */
  readonly #connections = new Map<string, Redis>()
  #isEnding = false

  constructor (parts: ListeningParts) {
    this.#parts = parts
    this.#isSharded = parts.commands instanceof Cluster
  }

  async subscribe (channel: string): Promise<void> {
    await this.#to(channel)[this.#isSharded ? 'ssubscribe' : 'subscribe'](channel)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#to(channel)[this.#isSharded ? 'sunsubscribe' : 'unsubscribe'](channel)
  }

  /** Nothing that is published from now on comes in. Settles when everything earlier has, or when it takes too long. */
  async end (): Promise<void> {
    this.#isEnding = true
    await Promise.all([...this.#connections.values()].map(leave))
  }

  #to (channel: string): Redis {
    const { commands } = this.#parts
    const master = commands instanceof Cluster ? masterFor(channel, commands) : undefined
    const server = master === undefined ? '' : serverOf(master)
    const known = this.#connections.get(server)
    if (known !== undefined) return known
    const connection = this.#open(master)
    this.#connections.set(server, connection)
    return connection
  }

  #open (master: Redis | undefined): Redis {
    const { connect, onMessage, onLost, onMoved } = this.#parts
    const connection = connect(master)
    const unlessEnding = (tell: () => void) => () => { if (!this.#isEnding) tell() }
    connection.on(this.#isSharded ? 'smessageBuffer' : 'messageBuffer', (_channel: Buffer, message: Buffer) => onMessage(message))
    connection.on('close', unlessEnding(onLost))
    connection.on('moved', unlessEnding(onMoved))
    return connection
  }
}

function masterFor (channel: string, cluster: Cluster): Redis {
  const server = cluster.slots[slotOf(channel)]?.[0]
  const master = cluster.nodes('master').find((node) => serverOf(node) === server)
  if (master === undefined) throw new Error('no node of the cluster serves a channel')
  return master
}

/** As the map of the slots calls it. */
function serverOf ({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}

/** Redis answers QUIT behind everything else that it has for the connection. */
async function leave (connection: Redis): Promise<void> {
  if (connection.status === 'end') return
  await new Promise<void>((resolve) => {
    const giveUp = setTimeout(() => {
      connection.disconnect()
      resolve()
    }, leaveWithinMs)
    connection.once('end', () => {
      clearTimeout(giveUp)
      resolve()
    })
    connection.quit().catch(() => {})
  })
}
