import type { Finding } from '../check.js'
import type { Facts } from '../facts.js'
import { Socket } from '../socket.js'

/** A socket that answers pings, for checks that need one; or why there is none. */
export async function openSocket (facts: Facts): Promise<Socket | Finding> {
  const { place, token, ended } = facts.options
  const socket = new Socket(`${place.ws}/`, token, ended)
  if (await socket.opened && typeof await socket.ping() === 'number') return socket
  socket.close()
  const needsToken = token === undefined && (await facts.info()).body?.auth === true
  return { mark: 'skip', summary: needsToken ? 'Not tested: it needs a token.' : 'Not tested: there is no open WebSocket.' }
}
