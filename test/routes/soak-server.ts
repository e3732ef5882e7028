import type { AddressInfo } from 'node:net'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'

/**
 * A server in a process of its own, which holds nothing else: its heap is the server's. Run with `--expose-gc` and an IPC
 * channel: it tells its port, and answers every message with what it holds.
 */
const app = createService(readConfig(process.env, []))
await app.listen({ port: 0, host: '127.0.0.1' })
const { signalbox: { connections, timers }, state, server } = app

process.on('message', () => {
  for (let round = 0; round < 5; round++) globalThis.gc?.()
  const report: Report = {
    held: { ...state.size(), timers: timers.size, connections: connections.size },
    heapBytes: process.memoryUsage().heapUsed
  }
  process.send?.(report)
})
process.on('disconnect', () => process.exit())
process.send?.((server.address() as AddressInfo).port)

export interface Report {
  /** What must be nothing when nobody is there. */
  held: Record<string, number>
  heapBytes: number
}
