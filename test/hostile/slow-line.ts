import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { throttledReader } from '../../bench/siege/throttled-reader.js'
import { urlOf } from '../helper.js'

/** A line to the server that carries this many bytes a second to the client: 1 250 000 are 10 Mbit/s. Answers the port to connect to. */
export async function slowLine (t: Test, app: FastifyInstance, bytesPerSecond: number): Promise<number> {
  const line = createServer((near) => {
    const far = connect({ port: Number(new URL(urlOf(app)).port), host: '127.0.0.1', noDelay: true })
    throttledReader(far, bytesPerSecond)
    far.on('data', (data) => near.write(data))
    near.pipe(far)
    for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => {}).on('close', () => other.destroy())
    t.teardown(() => near.destroy())
  })
  t.teardown(() => line.close())
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  return (line.address() as AddressInfo).port
}
