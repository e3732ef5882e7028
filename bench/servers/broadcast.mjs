// A broadcast written by hand: a frame from one client goes to all others, in a loop of `ws.send`.
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
    message.from = id
    const text = JSON.stringify(message)
    for (const other of clients.values()) if (other !== socket) other.send(text)
  })
  socket.on('close', () => { if (clients.get(id) === socket) clients.delete(id) })
})
