import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { buildOnly } from '../../helper.js'
import { join, pathOf, received } from './join.js'

const build = buildOnly('peerjs')

/** A client that says goodbye, gets the answer, and never ends its TCP connection: its peer is there but takes nothing. */
async function lingering (t: Test, app: FastifyInstance, id: string): Promise<void> {
  const socket = net.connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.write([
    `GET ${pathOf(id)} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n'
  ].join('\r\n'))
  let got = ''
  while (!got.includes('OPEN')) got += String((await once(socket, 'data'))[0])
  const emptyClose = [0x88, 0x80, 0, 0, 0, 0]
  socket.write(Buffer.from(emptyClose))
  await once(socket, 'data')
}

for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE']) {
  t.test(`when writing ${type} to dst fails, the sender gets LEAVE`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'alice')
    await lingering(t, app, 'bob')
    alice.send({ type, dst: 'bob', payload: 1 })
    t.same(await alice.next(), { type: 'LEAVE', src: 'bob', dst: 'alice' })
    t.same(await received(alice, 'alice'), [])
  })
}
