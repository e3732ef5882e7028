import { once } from 'node:events'
import { WebSocket } from 'ws'
import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import type { Deployment } from './deployment.js'

/** Longer than two HEARTBEAT_INTERVAL of 30 s. In ms. */
const silenceMs = 70_000

export const silenceChecks: ReadonlyArray<Check<Deployment>> = [
  { group: 'Silence', name: 'idle', after: 'upgrade', run: async (deployment) => await beSilent(deployment) }
]

/** Says nothing but pongs, as clients that wait for a call do. */
async function beSilent (deployment: Deployment): Promise<Finding> {
  if (!deployment.isPatient) return skipped('takes 70 s: --idle')
  const token = await deployment.tokenFor(deployment.name)
  if (deployment.isGuarded && token === undefined) return skipped('needs a token')
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${deployment.url.replace(/^http/, 'ws')}/`, { headers })
  socket.on('error', () => {})
  await once(socket, 'open')
  const openedAt = performance.now()
  let pings = 0
  socket.on('ping', () => { pings++ })
  const closed = once(socket, 'close') as Promise<[number]>
  let timer: NodeJS.Timeout | undefined
  const end = await Promise.race([
    closed.then(([code]) => code),
    new Promise<undefined>((resolve) => { timer = setTimeout(() => resolve(undefined), silenceMs) })
  ])
  clearTimeout(timer)
  socket.terminate()
  if (end !== undefined) {
    const seconds = Math.round((performance.now() - openedAt) / 1000)
    return failure(`a silent socket is closed after ${seconds} s (${end}), after ${pings} pings: a proxy on the way has a shorter timeout`,
      'proxy_read_timeout 90s;    # nginx, and: proxy_send_timeout 90s;\ntimeout tunnel 90s    # HAProxy',
      'docs/troubleshooting.md#closed-after-60-s')
  }
  if (pings === 0) {
    return warning('a silent socket stays open for 70 s, without a ping: the dead are noticed late',
      'HEARTBEAT_INTERVAL=30000')
  }
  return ok(`a silent socket stays open for 70 s, with ${pings} pings`)
}
