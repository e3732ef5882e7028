import type { WebSocket } from 'ws'
import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import { dial } from '../dialing.js'
import type { History } from './history.js'
import { type Deed, nodeCount } from './schedule.js'

/** Where the clients meet, and what they write in. */
export interface World {
  readonly history: History
  /** The ports of the nodes. */
  readonly ports: readonly number[]
  readonly random: () => number
  /** The code of the room in which a pair meets, by the pair's name. */
  readonly codes: Map<string, string>
  /** Whose the ids are that the server has assigned. */
  readonly assigned: Map<string, string>
  nextConn: number
}

interface Connection {
  readonly conn: number
  readonly socket: WebSocket
  isWelcome: boolean
  lastList: readonly string[] | undefined
  /** Its id, where the server assigns it. */
  isIn: string | undefined
}

/** A client that has no welcome by then tries elsewhere. In ms. */
const welcomeMs = 5_000
/** It waits for so long before it connects again, at most. In ms. */
const backOffMs = 500
const addresses = ['127.0.0.1', '127.0.0.2'] as const

/** A scripted client, which holds one id, comes back to it whenever it is cut off, and writes everything down. */
export class Actor {
  readonly dialect: ClientDialect
  readonly id: string
  /** A group or a pair, where the dialect has such. */
  readonly place: string
  /** To whom it signals. */
  readonly peers: string[] = []
  readonly #world: World
  readonly #connections = new Set<Connection>()
  #current: Connection | undefined
  #address = 0
  #sent = 0
  #isOver = false
  /** Who says goodbye stays away for a while. */
  #staysAwayUntil = 0

  constructor (world: World, dialect: ClientDialect, id: string, place = '') {
    this.#world = world
    this.dialect = dialect
    this.id = id
    this.place = place
  }

  get isBack (): boolean {
    return this.#current?.isWelcome === true
  }

  connect (node = this.#anyNode()): void {
    const { history, ports, codes, assigned } = this.#world
    const conn = this.#world.nextConn++
    const from = addresses[this.#address] as string
    history.write({ kind: 'dials', conn, id: this.id, dialect: this.dialect.name, place: this.place, from, node })
    const code = this.dialect.takesNames ? this.place || undefined : codes.get(this.place)
    const patience = setTimeout(() => this.#cut(connection), welcomeMs)
    const socket = dial(`ws://127.0.0.1:${ports[node]}`, this.dialect, this.id, {
      opened: () => history.write({ kind: 'opens', conn }),
      welcomed: ({ id }) => {
        clearTimeout(patience)
        if (id !== undefined) assigned.set(id, this.id)
        connection.isWelcome = true
        this.#current = connection
        history.write({ kind: 'welcomed', conn })
      },
      signal: (sender, load) => {
        history.write({ kind: 'hears', conn, from: assigned.get(sender) ?? sender, number: Number(load) })
      },
      refused: (frame) => this.#refused(connection, frame),
      told: (frame) => this.#told(connection, frame),
      closed: (code) => {
        clearTimeout(patience)
        history.write({ kind: 'ends', conn, code })
        this.#connections.delete(connection)
        // Without Redis two nodes may both have taken it for the only one.
        if (this.#current === connection) this.#current = [...this.#connections].find(({ isWelcome }) => isWelcome)
        if (!this.#isOver && this.#connections.size === 0) this.#comeBack()
      }
    }, { place: code, token: `token-${this.id}`, localAddress: from })
    const connection: Connection = { conn, socket, isWelcome: false, lastList: undefined, isIn: undefined }
    this.#connections.add(connection)
  }

  #anyNode (): number {
    return Math.floor(this.#world.random() * nodeCount)
  }

  #comeBack (): void {
    const wait = Math.max(this.#staysAwayUntil - performance.now(), this.#world.random() * backOffMs)
    setTimeout(() => { if (!this.#isOver && this.#connections.size === 0) this.connect() }, wait)
  }

  #refused ({ conn, socket, isWelcome }: Connection, frame: Frame): void {
    const payload = frame.payload as Frame | undefined
    const about = frame.src ?? frame.details ?? payload?.target_id
    const text = String(frame.error ?? frame.message ?? payload?.message ?? payload?.msg ?? frame.type)
    this.#world.history.write({ kind: 'refused', conn, text, about: about === undefined ? undefined : String(about) })
    if (this.dialect.name !== 'rooms' || isWelcome) return
    // The room has gone: the pair meets in a new one.
    if (text === 'Room not found') this.#world.codes.delete(this.place)
    setTimeout(() => { if (socket.readyState === socket.OPEN) this.#register(socket) }, backOffMs * (0.5 + this.#world.random()))
  }

  #register (socket: WebSocket): void {
    for (const frame of this.dialect.registration(this.id, this.#world.codes.get(this.place))) socket.send(JSON.stringify(frame))
  }

  #told (connection: Connection, frame: Frame): void {
    const { history, codes } = this.#world
    const { conn } = connection
    const peer = (frame.payload as { peer?: { id?: unknown } } | undefined)?.peer?.id
    switch (frame.type) {
      case 'presence': return history.write({ kind: frame.action === 'join' ? 'joined' : 'left', conn, about: String(frame.nodeId) })
      case 'peer_joined': return history.write({ kind: 'joined', conn, about: String(peer) })
      case 'peer_left': return history.write({ kind: 'left', conn, about: String(peer) })
      case 'peer_list': {
        const { peers } = frame.payload as { peers: Array<{ id: string }> }
        return history.write({ kind: 'lists', conn, ids: [...peers.map(({ id }) => id), this.id] })
      }
      case 'participants': {
        const isFirst = connection.lastList === undefined
        connection.lastList = (frame.participants as Array<{ nodeId: string }>).map(({ nodeId }) => nodeId)
        // The first says who was there; of the rest only the last counts.
        if (isFirst) history.write({ kind: 'lists', conn, ids: connection.lastList })
        return
      }
      case 'clients':
        connection.lastList = [...frame.clients as string[], this.id]
        return
      case 'LEAVE': return history.write({ kind: 'refused', conn, about: String(frame.src), text: 'LEAVE' })
      case 'room_created':
      case 'room_joined':
        connection.isIn = String(frame.roomId)
        if (frame.type === 'room_created') codes.set(this.place, connection.isIn)
        return history.write({ kind: 'enters', conn, room: connection.isIn })
    }
  }

  /** Does what its script says, if it can. */
  act ({ kind, to, node, ms }: Deed): void {
    const connection = this.#current
    if (connection === undefined || this.#isOver) return
    switch (kind) {
      case 'signal': {
        const code = this.#world.codes.get(this.place)
        // The other one of the pair is in another room.
        if (this.dialect.name === 'rooms' && code !== undefined && code !== connection.isIn) return this.#register(connection.socket)
        return this.signal(this.peers[Math.floor(to * this.peers.length)] as string)
      }
      case 'signal nobody': return this.dialect.takesNames ? this.signal('nobody') : undefined
      case 'list': return this.list()
      case 'cut':
        this.#staysAwayUntil = performance.now() + ms
        return this.#cut(connection)
      case 'say goodbye':
        this.#staysAwayUntil = performance.now() + ms
        this.#world.history.write({ kind: 'closes', conn: connection.conn })
        return connection.socket.close(1000)
      case 'take over': return this.dialect.takesNames && this.#connections.size === 1 ? this.connect(node) : undefined
      case 'move':
        // With a token it is the same client wherever it is.
        if (!this.dialect.takesNames || this.#connections.size > 1) return
        this.#address = 1 - this.#address
        return this.connect(node)
      case 'go silent': {
        this.#world.history.write({ kind: 'stops reading', conn: connection.conn })
        connection.socket.pause()
        setTimeout(() => this.#cut(connection), ms)
      }
    }
  }

  #cut ({ conn, socket }: Connection): void {
    if (socket.readyState === socket.CLOSED) return
    this.#world.history.write({ kind: 'cuts', conn })
    socket.terminate()
  }

  signal (to: string): void {
    const connection = this.#current
    if (connection?.socket.readyState !== 1) return
    const number = this.#sent++
    this.#world.history.write({ kind: 'sends', conn: connection.conn, to, number })
    connection.socket.send(JSON.stringify(this.dialect.candidate(this.id, to, `${number}`)))
  }

  list (): void {
    if (this.dialect.name === 'drone') this.#current?.socket.send(JSON.stringify({ type: 'list' }))
  }

  /** Writes down the list that it had last. */
  writeList (): void {
    for (const { conn, lastList } of this.#connections) {
      if (lastList !== undefined) this.#world.history.write({ kind: 'lists', conn, ids: lastList })
    }
  }

  /** Stays with what it has. */
  end (withGoodbye: boolean): void {
    this.#isOver = true
    for (const connection of this.#connections) {
      if (withGoodbye) connection.socket.close(1000)
      else connection.socket.terminate()
    }
  }
}
