// ToM's registration written by hand: every join is announced to all, and sends all of them the whole list at once.
import { WebSocketServer } from 'ws'

const nodes = new Map()

function broadcast (message, except) {
  const text = JSON.stringify(message)
  for (const { socket } of nodes.values()) if (socket !== except) socket.send(text)
}

new WebSocketServer({ port: Number(process.env.PORT), host: '127.0.0.1' }).on('connection', (socket) => {
  socket.on('message', (data) => {
    const { nodeId, username, publicKey = '' } = JSON.parse(data.toString())
    nodes.set(nodeId, { socket, username })
    broadcast({ type: 'presence', action: 'join', nodeId, username, publicKey }, socket)
    broadcast({ type: 'participants', participants: [...nodes].map(([nodeId, { username }]) => ({ nodeId, username })) })
    socket.on('close', () => nodes.delete(nodeId))
  })
})
