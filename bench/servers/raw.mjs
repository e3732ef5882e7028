// The least that `ws` allows: clients name their partner once, and then bytes pass through unread.
import { WebSocketServer } from 'ws'

const clients = new Map()

new WebSocketServer({ port: Number(process.env.PORT), host: '127.0.0.1' }).on('connection', (socket) => {
  let to
  socket.once('message', (data) => {
    const { id, to: other } = JSON.parse(data.toString())
    clients.set(id, socket)
    socket.send(JSON.stringify({ type: 'registered', id }))
    socket.on('message', (data) => {
      to ??= clients.get(other)
      to.send(data, { binary: false })
    })
    socket.on('close', () => clients.delete(id))
  })
})
