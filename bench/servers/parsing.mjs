// The usual relay written by hand: parse, look up, stamp the sender, stringify, send.
import { WebSocketServer } from 'ws'

const clients = new Map()

new WebSocketServer({ port: Number(process.env.PORT), host: '127.0.0.1' }).on('connection', (socket) => {
  let id
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString())
    if (message.type === 'register') {
      id = message.id
      clients.set(id, socket)
      return socket.send(JSON.stringify({ type: 'registered', id }))
    }
    const target = clients.get(message.to)
    if (target === undefined) return socket.send(JSON.stringify({ type: 'error', error: 'peer not found' }))
    message.from = id
    target.send(JSON.stringify(message))
  })
  socket.on('close', () => { if (clients.get(id) === socket) clients.delete(id) })
})
