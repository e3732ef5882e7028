import { randomBytes } from 'node:crypto'
import {
  type Address, type Attribute, addressIn, attributes, compose, hiddenAddress, idOf, keyOf, type Message, methods, signed
} from './message.js'
import { type IceUrl, openTransport, type Transport } from './transport.js'

export interface Credential {
  readonly username: string
  readonly credential: string
}

/** A request was refused, or nobody answered it. */
export class IceError extends Error {
  /** Of the refusal, such as 401. Undefined where nobody answered. */
  readonly code: number | undefined

  constructor (message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** When a request over UDP is sent again. In ms after the first time. */
const resendMs = [250, 750, 1_750]
/** How long an answer may take. In ms. */
const answerMs = 3_000
const udp = Buffer.from([17, 0, 0, 0])
const unauthorized = 401

/** Who waits for the answer to a request, by its id. */
type Waiting = Map<string, (message: Message) => void>

/** A STUN and TURN client on one connection, for as long as a look takes. */
export class IceClient {
  readonly #transport: Transport
  readonly #waiting: Waiting
  readonly #onData: Set<(data: Buffer) => void>
  #auth: { key: Buffer, list: Attribute[] } | undefined

  private constructor (transport: Transport, waiting: Waiting, onData: Set<(data: Buffer) => void>) {
    this.#transport = transport
    this.#waiting = waiting
    this.#onData = onData
  }

  /** @throws the error of the connection */
  static async open (url: IceUrl): Promise<IceClient> {
    const waiting: Waiting = new Map()
    const onData = new Set<(data: Buffer) => void>()
    const transport = await openTransport(url, (message) => {
      const data = message.attributes.get(attributes.data)
      if (message.kind !== 'indication') waiting.get(message.id)?.(message)
      else if (message.method === methods.data && data !== undefined) for (const take of onData) take(data)
    })
    return new IceClient(transport, waiting, onData)
  }

  /** The address at which the server was reached. */
  get remoteAddress (): string {
    return this.#transport.remoteAddress
  }

  /**
   * The address that the server sees us under.
   *
   * @throws IceError where nobody answers
   */
  async bind (): Promise<Address> {
    const { attributes: got, id } = await this.#ask(compose(methods.binding, () => []))
    const address = addressIn(got.get(attributes.xorMappedAddress), id) ?? addressIn(got.get(attributes.mappedAddress), id, false)
    if (address === undefined) throw new IceError('the answer has no address in it')
    return address
  }

  /**
   * Asks for a relayed address, as a browser does: first without the credential, then with it.
   *
   * @throws IceError with the code of the refusal
   */
  async allocate ({ username, credential }: Credential): Promise<Address> {
    const transport: Attribute = [attributes.requestedTransport, udp]
    try {
      return relayedIn(await this.#ask(compose(methods.allocate, () => [transport])))
    } catch (error) {
      const { code, got } = error as IceError & { got?: Message }
      if (code !== unauthorized || got === undefined) throw error
      this.#learn(got, username, credential)
    }
    return relayedIn(await this.#askSigned(methods.allocate, () => [transport]))
  }

  /**
   * Sends a packet through the relay to its own relayed address, and waits until it is back.
   *
   * @returns how long it took, in ms
   * @throws IceError where the server refuses it, or it does not come back
   */
  async relayToItself (relayed: Address): Promise<number> {
    await this.#askSigned(methods.createPermission, (id) => [[attributes.peerAddress, hiddenAddress(relayed, id)]])
    const packet = randomBytes(16)
    const sentAt = performance.now()
    return await new Promise((resolve, reject) => {
      const timers = [0, ...resendMs].map((ms) => setTimeout(() => {
        this.#transport.send(compose(methods.send, (id) => [
          [attributes.peerAddress, hiddenAddress(relayed, id)], [attributes.data, packet]
        ], false))
      }, ms))
      const end = (): void => {
        this.#onData.delete(take)
        for (const timer of timers) clearTimeout(timer)
      }
      const take = (data: Buffer): void => {
        if (!data.equals(packet)) return
        end()
        resolve(performance.now() - sentAt)
      }
      this.#onData.add(take)
      timers.push(setTimeout(() => {
        end()
        reject(new IceError('the packet has not come back'))
      }, answerMs))
    })
  }

  /** Gives the allocation back, and hangs up. */
  async close (): Promise<void> {
    const nothing = Buffer.alloc(4)
    if (this.#auth !== undefined) await this.#askSigned(methods.refresh, () => [[attributes.lifetime, nothing]]).catch(() => {})
    this.#transport.close()
  }

  #learn ({ attributes: got }: Message, username: string, credential: string): void {
    const [realm, nonce] = [got.get(attributes.realm) ?? Buffer.alloc(0), got.get(attributes.nonce) ?? Buffer.alloc(0)]
    this.#auth = {
      key: keyOf(username, realm.toString(), credential),
      list: [[attributes.username, Buffer.from(username)], [attributes.realm, realm], [attributes.nonce, nonce]]
    }
  }

  async #askSigned (method: number, listFor: (id: string) => Attribute[]): Promise<Message> {
    const { key, list } = this.#auth ?? { key: Buffer.alloc(0), list: [] }
    return await this.#ask(signed(compose(method, (id) => [...listFor(id), ...list]), key))
  }

  async #ask (bytes: Buffer): Promise<Message> {
    const id = idOf(bytes)
    const { send, isLossy } = this.#transport
    send(bytes)
    const timers = isLossy ? resendMs.map((ms) => setTimeout(() => send(bytes), ms)) : []
    try {
      return await new Promise((resolve, reject) => {
        timers.push(setTimeout(() => reject(new IceError('nobody answers')), answerMs))
        this.#waiting.set(id, (message) => {
          if (message.kind === 'success') resolve(message)
          else reject(Object.assign(new IceError(`refused with ${message.error}`, message.error), { got: message }))
        })
      })
    } finally {
      this.#waiting.delete(id)
      for (const timer of timers) clearTimeout(timer)
    }
  }
}

function relayedIn ({ attributes: got, id }: Message): Address {
  const address = addressIn(got.get(attributes.relayedAddress), id)
  if (address === undefined) throw new IceError('the answer has no relayed address in it')
  return address
}
