// Express, socket.io, Vite and Signalbox on one server. Beside Signalbox it needs `npm install fastify express socket.io vite`.
import { createServer } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { signalbox } from 'signalbox'
import { Server } from 'socket.io'
import { createServer as createVite } from 'vite'

const web = express()
web.get('/hello', (request, response) => { response.send('hello from Express') })

// Requests below /signal are for Signalbox, all others for Express.
const isSignal = ({ url }) => /^\/signal(?=[/?]|$)/.test(url)
const app = fastify({
  serverFactory: (signal) => createServer((request, response) => (isSignal(request) ? signal : web)(request, response))
})
app.register(signalbox, { prefix: '/signal' })

// Upgrades that nobody takes are cut by Signalbox. socket.io would cut those of others, too, if they are not answered within a second.
const io = new Server(app.server, { destroyUpgrade: false })
io.on('connection', (socket) => { socket.on('hello', (name, answer) => { answer(`hello ${name} from socket.io`) }) })

// The socket that tells pages of changed files. Up to Vite 7 it is `hmr: { server: app.server }`.
const vite = await createVite({ server: { middlewareMode: true, ws: { server: app.server } } })
web.use(vite.middlewares)

// A server closes when its last socket has.
app.addHook('preClose', async () => {
  io.disconnectSockets(true)
  await vite.close()
})
process.on('SIGTERM', () => { app.close() })
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }))
