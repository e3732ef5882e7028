import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import tap from 'tap'

export interface Credential {
  readonly username: string
  readonly credential: string
}

/** @see https://www.rfc-editor.org/rfc/rfc8656#section-18 */
const allocateMethod = 0x0003
const failed = 0x0110
const attributes = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019
}
const cookie = Buffer.from([0x21, 0x12, 0xa4, 0x42])
const udp = Buffer.from([17, 0, 0, 0])

export interface Allocation {
  /** The port of the relayed address; undefined when it was refused. */
  readonly relayPort: number | undefined
  /** The code it was refused with. */
  readonly error: number | undefined
}

/**
 * Asks a TURN server on the loopback for an allocation, as a browser does: first without a credential, then with it.
 * Each call has its own port.
 */
export async function allocate (port: number, { username, credential }: Credential): Promise<Allocation> {
  const socket = createSocket('udp4')
  // Open to the end: coturn refuses a port that had an allocation.
  tap.teardown(() => socket.close())
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')

  async function ask (request: Buffer): Promise<Answer> {
    socket.send(request)
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) }) as [Buffer]
    return read(answer)
  }

  const first = await ask(message(allocateMethod, [[attributes.requestedTransport, udp]]))
  const realm = first.attributes.get(attributes.realm) ?? Buffer.alloc(0)
  const nonce = first.attributes.get(attributes.nonce) ?? Buffer.alloc(0)
  const key = createHash('md5').update(`${username}:${String(realm)}:${credential}`).digest()
  const { error, attributes: got } = await ask(signed(message(allocateMethod, [
    [attributes.requestedTransport, udp], [attributes.username, Buffer.from(username)], [attributes.realm, realm], [attributes.nonce, nonce]
  ]), key))
  const relayed = got.get(attributes.relayedAddress)
  return { error, relayPort: relayed && relayed.readUInt16BE(2) ^ cookie.readUInt16BE(0) }
}

type Attribute = readonly [type: number, value: Buffer]

function message (type: number, attributes: readonly Attribute[]): Buffer {
  const body = Buffer.concat(attributes.map(([type, value]) => {
    const head = Buffer.alloc(4)
    head.writeUInt16BE(type, 0)
    head.writeUInt16BE(value.length, 2)
    return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)])
  }))
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, cookie, randomBytes(12), body])
}

/** The message with its integrity behind it, whose length counts in what is hashed. */
function signed (message: Buffer, key: Buffer): Buffer {
  const whole = Buffer.concat([message, Buffer.from([0, attributes.messageIntegrity, 0, 20]), Buffer.alloc(20)])
  whole.writeUInt16BE(whole.length - 20, 2)
  createHmac('sha1', key).update(whole.subarray(0, message.length)).digest().copy(whole, message.length + 4)
  return whole
}

interface Answer {
  readonly error: number | undefined
  readonly attributes: Map<number, Buffer>
}

function read (answer: Buffer): Answer {
  const found = new Map<number, Buffer>()
  for (let at = 20; at < answer.length;) {
    const length = answer.readUInt16BE(at + 2)
    found.set(answer.readUInt16BE(at), answer.subarray(at + 4, at + 4 + length))
    at += 4 + length + (-length & 3)
  }
  const code = found.get(attributes.errorCode)
  const isError = (answer.readUInt16BE(0) & failed) === failed
  return { error: isError && code !== undefined ? (code[2] as number) * 100 + (code[3] as number) : undefined, attributes: found }
}
