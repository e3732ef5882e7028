// The relay of parsing.mjs as a route of Fastify and @fastify/websocket. With HOOKS, behind as many hooks as a handshake of Signalbox has,
// which do nothing; with RATE, behind @fastify/rate-limit; with LOG, three lines a connection go to /dev/null.
import { openSync } from 'node:fs'
import rateLimit from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import fastify from 'fastify'
import pino from 'pino'

const { PORT, HOOKS = '0', RATE, LOG } = process.env
const log = LOG === undefined ? undefined : pino(pino.destination({ dest: openSync('/dev/null', 'w'), sync: true }))
const clients = new Map()
const app = fastify()
await app.register(websocket)
if (RATE !== undefined) await app.register(rateLimit, { max: 1e9, timeWindow: 60_000 })
for (let hook = 0; hook < Number(HOOKS); hook++) app.addHook('onRequest', (request, reply, done) => done())
app.get('/', { websocket: true }, (socket, request) => {
  let id
  log?.info({ event: 'connect', address: request.ip })
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString())
    if (message.type === 'register') {
      id = message.id
      clients.set(id, socket)
      log?.info({ event: 'register', address: request.ip, id })
      return socket.send(JSON.stringify({ type: 'registered', id }))
    }
    const target = clients.get(message.to)
    if (target === undefined) return socket.send(JSON.stringify({ type: 'error', error: 'peer not found' }))
    message.from = id
    target.send(JSON.stringify(message))
  })
  socket.on('close', (code) => {
    log?.info({ event: 'leave', address: request.ip, id, code })
    if (clients.get(id) === socket) clients.delete(id)
  })
})
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
