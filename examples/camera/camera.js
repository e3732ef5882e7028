// A camera that speaks the drone protocol, without a browser. Its pictures come as RTP: see pictures.js.
import { WebSocket } from 'ws'
import { show } from './pictures.js'

const { ID = 'cam-1', SERVER = 'ws://localhost:8080/drone', TOKEN, MAX_VIEWERS = '8' } = process.env
const firstWaitMs = 1000
const longestWaitMs = 30_000
/** One connection for each viewer and session. */
const viewers = new Map()

function answer (send, { from, sdp, sessionId }) {
  const key = `${from} ${sessionId}`
  end(key)
  if (viewers.size >= Number(MAX_VIEWERS)) throw new Error('one viewer too many')
  const connection = show(ID, sdp.sdp ?? sdp, {
    onDescription: ({ type, sdp }) => send({ type, target: from, sdp, sessionId }),
    onCandidate: (candidate) => send({ type: 'ice', target: from, candidate, sessionId }),
    onConnected: () => console.log(`${from} has come, seen by ${viewers.size}`),
    onEnd () {
      // It may have called again meanwhile.
      if (viewers.get(key) === connection) end(key)
      console.log(`${from} has gone, seen by ${viewers.size}`)
    }
  })
  viewers.set(key, connection)
}

function end (key) {
  viewers.get(key)?.close()
  viewers.delete(key)
}

function connect (waitMs = firstWaitMs) {
  const socket = new WebSocket(SERVER, { headers: TOKEN ? { authorization: `Bearer ${TOKEN}` } : {} })
  const send = (frame) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)) }
  // A network that breaks says nothing. The server answers a ping, or is gone.
  const pings = setInterval(send, 20_000, { type: 'ping' })
  const silence = setTimeout(() => socket.terminate(), 50_000)
  let isRegistered = false

  socket.on('open', () => send({ type: 'register', id: ID }))
  socket.on('message', (data) => {
    silence.refresh()
    const frame = JSON.parse(data)
    try {
      if (frame.type === 'offer') answer(send, frame)
      if (frame.type === 'ice') viewers.get(`${frame.from} ${frame.sessionId}`)?.addCandidate(frame.candidate)
    } catch ({ message }) {
      console.log(`${frame.type} of ${frame.from}: ${message}`)
    }
    if (frame.type === 'registered') {
      isRegistered = true
      waitMs = firstWaitMs
      console.log(`here as ${ID}`)
    }
    if (frame.type === 'error') {
      console.log(`refused: ${frame.message}`)
      // The id is taken, say by a connection of ours that the server still believes in.
      if (!isRegistered) socket.close()
    }
  })
  socket.on('error', ({ message }) => console.log(message))
  socket.on('close', (code, reason) => {
    clearInterval(pings)
    clearTimeout(silence)
    // 1008 and 40xx are final: another camera has this id, say, or the token is not good. After any other, connecting again is right.
    if (code === 1008 || (code >= 4000 && code < 4100)) {
      console.log(`the server has closed: ${code} ${reason}`)
      process.exit(1)
    }
    console.log(`no server: trying again in ${waitMs / 1000} s or so`)
    setTimeout(connect, waitMs * (0.5 + Math.random() / 2), Math.min(waitMs * 2, longestWaitMs))
  })
}

connect()
