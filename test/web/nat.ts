import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A port of the loopback behind which `port` is, for UDP: whoever is there sees each client at another port, as behind a NAT. */
export async function natTo (t: Test, port: number): Promise<number> {
  const inside = createSocket('udp4')
  const outside = new Map<string, Socket>()
  t.teardown(() => [inside, ...outside.values()].forEach((socket) => socket.close()))
  inside.on('message', (message, { address, port: from }) => {
    const client = `${address}:${from}`
    let socket = outside.get(client)
    if (socket === undefined) {
      socket = createSocket('udp4', (answer) => inside.send(answer, from, address))
      outside.set(client, socket)
    }
    socket.send(message, port, '127.0.0.1')
  })
  inside.bind(0, '127.0.0.1')
  await once(inside, 'listening')
  return (inside.address() as AddressInfo).port
}
