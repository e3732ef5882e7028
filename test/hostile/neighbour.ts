import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { type Intruder, intrude, type Manners } from '../../bench/siege/intruder.js'
import type { DefaultDialectName } from '../../src/settings.js'
import { type Reachable, urlOf } from '../helper.js'
import { upgradeRequest } from '../../src/testing/websocket.js'
import type { Answer, Measured, Task } from './honest-pair.js'

export { textFrame } from '../../src/testing/websocket.js'
export { throttledReader } from '../../bench/siege/throttled-reader.js'
export type { Measured }

export interface Pairing {
  dialect?: DefaultDialectName
  /** Where the second client connects; by default to the same node. */
  partner?: Reachable
  /** The two are `<name>-a` and `<name>-b`. */
  name?: string
  tokenFor?: (id: string) => string
  /** The local address, one of the loopback's. Nobody else should use it. */
  address?: string
  /** Signals per second of both together. */
  perSecond?: number
}

export interface Neighbour {
  /** Signals for `ms`, and answers what arrived. May run while others attack. */
  measure (ms: number): Promise<Measured>
}

let pairs = 0

/**
 * Two honest clients that signal to each other in turns, about 1 KB each. They are in a process of their own, so that an attack
 * which keeps the test busy costs them nothing, and their figures show the server, which should have a process of its own, too.
 */
export async function honestPair (t: Test, to: Reachable, pairing: Pairing = {}): Promise<Neighbour> {
  const number = ++pairs
  const { dialect = 'drone', partner = to, name = `honest${number}`, tokenFor, address = `127.77.0.${number}`, perSecond = 200 } = pairing
  const child = fork(
    fileURLToPath(new URL('honest-pair.ts', import.meta.url)),
    { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH ?? '' } }
  )
  prefer(child.pid)
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const ask = async (task: Task): Promise<Answer> => {
    child.send(task)
    const [answer] = await Promise.race([
      once(child, 'message'), exited.then(([code]) => { throw new Error(`the honest pair has ended with ${code}`) })
    ]) as [Answer]
    if ('error' in answer) throw new Error(`the honest pair: ${answer.error}`)
    return answer
  }
  const whence = (to: Reachable, id: string) => ({
    url: urlOf(to).replace('http', 'ws'),
    id,
    address,
    ...(tokenFor !== undefined && { token: tokenFor(id) })
  })
  await ask({ task: 'connect', dialect, clients: [whence(to, `${name}-a`), whence(partner, `${name}-b`)], perSecond })
  return { measure: async (ms) => await ask({ task: 'measure', ms }) as Measured }
}

/** Gives a process priority over other tests, where that is permitted. */
export function prefer (pid = 0): void {
  try {
    setPriority(pid, -15)
  } catch {}
}

export interface Approaching extends Manners {
  /** Of the loopback, from where it comes. */
  address?: string
  token?: string
}

/** A bare TCP connection that writes these bytes first, and ends with the test. */
export function rawSocket (t: Test, to: Reachable, firstWords: string, { address = '127.0.0.1', ...manners }: Approaching = {}): Intruder {
  const intruder = intrude({ port: Number(new URL(urlOf(to)).port), address }, firstWords, manners)
  t.teardown(() => intruder.socket.destroy())
  return intruder
}

/** A bare WebSocket, once it has been upgraded. `textFrame` makes frames for it. Throws when the upgrade is refused. */
export async function rawWebSocket (t: Test, to: Reachable, path: string, approaching: Approaching = {}): Promise<Intruder> {
  const intruder = rawSocket(t, to, upgradeRequest(path, approaching), approaching)
  if (!await intruder.letIn) throw new Error(`not let in: ${await intruder.end}`)
  return intruder
}
