import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'

/** A name server on a free loopback port. Every name resolves to `addresses()`. */
export async function nameServer (t: Test, addresses: () => string[]): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    // The header is 12 bytes; then come the name, ended by a zero, and 4 bytes of type and class.
    const question = query.subarray(12, query.indexOf(0, 12) + 5)
    const answers = addresses()
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length, 6)
    // The name of the question, type A, class IN, for a second.
    const records = answers.map((answer) => Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...answer.split('.').map(Number)]))
    socket.send(Buffer.concat([header, question, ...records]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket.address().port
}
