/**
 * The npm package `peer` in a thread of its own: it has no way to stop, so the thread's end stops it. Starts a server for each
 * message, with the options the message holds, and answers its port.
 */
import { parentPort } from 'node:worker_threads'
import { PeerServer } from 'peer'

parentPort.on('message', (options) => {
  const app = PeerServer({ ...options, host: '127.0.0.1', port: 0 }, (server) => parentPort.postMessage(server.address().port))
  // Without a listener, a frame that is not JSON would end it.
  app.on('error', () => {})
})
