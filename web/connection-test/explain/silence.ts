import type { Finding } from '../check.js'
import { type Closed, unanswered } from '../socket.js'
import { explainClose } from './close-codes.js'

export const timeoutLines = `proxy_read_timeout 90s;
proxy_send_timeout 90s;`

interface Silence {
  /** How long the socket was silent, in ms. */
  readonly lastedMs: number
  /** How long it should have been silent, in ms. */
  readonly wantedMs: number
  /** `HEARTBEAT_INTERVAL` of the server; undefined where it is not known. */
  readonly heartbeatMs: number | undefined
  /** How it ended before; undefined where it did not. */
  readonly closed: Closed | undefined
}

const inSeconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/**
 * What a silent socket shows of the proxies on its way. The page does not see the server's pings, but proxies do: where they come more
 * often, the silence was no longer than the time between two of them.
 */
export function explainSilence ({ lastedMs, wantedMs, heartbeatMs, closed }: Silence): Finding {
  const pings = heartbeatMs === undefined ? undefined : inSeconds(heartbeatMs)
  if (closed === undefined) {
    const isPinged = heartbeatMs !== undefined && heartbeatMs < wantedMs
    return {
      mark: 'pass',
      summary: `The socket was still open after ${inSeconds(wantedMs)} in which this page sent nothing.`,
      details: [isPinged
        ? `The server pinged it every ${pings} (\`HEARTBEAT_INTERVAL\`), so this shows that no proxy on the way cuts a socket that is ` +
          'silent for so long. It does not show what happens to one that is silent for longer.'
        : 'The server did not have to ping in that time, so no proxy on the way cuts a socket that is silent for so long.']
    }
  }
  if (closed.code !== 1006 && closed.code !== unanswered) {
    const { what, change } = explainClose(closed)
    return { mark: 'fail', summary: `After ${inSeconds(lastedMs)}: ${what}`, change }
  }
  return {
    mark: 'fail',
    summary: `The socket was ${closed.code === unanswered ? 'dead' : 'cut'} after ${inSeconds(lastedMs)} of silence, without a close ` +
      'code: a proxy on the way closes silent sockets' +
      `${pings === undefined ? '' : ` sooner than the server pings them, which is every ${pings} (\`HEARTBEAT_INTERVAL\`)`}.`,
    change: [
      'Raise the proxy’s timeout above two intervals. In nginx, put these lines into the `location` of Signalbox; in HAProxy, set ' +
        '`timeout tunnel 90s`; at a cloud provider, raise the idle timeout of its load balancer.',
      'If you cannot, lower `HEARTBEAT_INTERVAL` to less than half of the proxy’s timeout.',
      'If there is no proxy, see whether the server was killed at that time.'
    ],
    paste: timeoutLines
  }
}
