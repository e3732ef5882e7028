import type { WebSocket } from 'ws'

/** Frames that may still be on their way when we close. */
const maxLate = 100
/** What one that goes on has to read our close. In ms. */
const graceMs = 500

/**
 * Until a client answers our close, or has had its time, it is read at full speed. One that uses this to go on is not read any
 * more, and cut soon; not at once, since its close would be lost with the connection.
 */
export function limitAfterClose (socket: WebSocket): void {
  let late = 0
  const count = (): void => {
    if (++late !== maxLate) return
    socket.pause()
    setTimeout(() => socket.terminate(), graceMs).unref()
  }
  socket.on('message', count).on('ping', count).on('pong', count)
}
