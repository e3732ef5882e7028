import type { WebSocket } from 'ws'
import type { Timers } from '../timing/timers.js'

/** Frames that may still be on their way when we close. */
const maxLateFrames = 100
/** ms in which a client that keeps sending can still read our close. */
const graceMs = 500

/**
 * Bounds what a client may send after our close. Until it answers, or its time is over, it is read at full speed. A client that keeps
 * sending is no longer read, and terminated after `graceMs`. Not at once: our close frame would be lost with the connection.
 */
export function limitAfterClose (socket: WebSocket, timers: Timers): void {
  let late = 0
  const count = (): void => {
    if (++late !== maxLateFrames) return
    socket.pause()
    timers.schedule(graceMs, () => socket.terminate())
  }
  socket.on('message', count).on('ping', count).on('pong', count)
}
