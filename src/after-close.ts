import type { WebSocket } from 'ws'

/** Frames that may still be on their way when we close. */
const maxLate = 100

/** Until a client answers our close, or has had its time, it is read at full speed. One that uses this to go on is cut. */
export function boundAfterClose (socket: WebSocket): void {
  let late = 0
  const count = (): void => { if (++late > maxLate) socket.terminate() }
  socket.on('message', count).on('ping', count).on('pong', count)
}
