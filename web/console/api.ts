import type { ServerEvent } from '../../src/net/event-stream.js'
import { eventsIn } from '../shared/event-stream.js'

/** An answer that is none. */
export class Refusal extends Error {
  readonly status: number

  constructor (status: number, message: string) {
    super(message)
    this.status = status
  }
}

const tokenKey = 'signalbox-console-token'

/** The administrator's token. The browser forgets it with the tab. */
export const token = {
  get: () => sessionStorage.getItem(tokenKey) ?? '',
  set: (value: string) => sessionStorage.setItem(tokenKey, value),
  forget: () => sessionStorage.removeItem(tokenKey)
}

async function call (path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (token.get() !== '') headers.set('authorization', `Bearer ${token.get()}`)
  const answer = await fetch(`./admin/${path}`, { ...init, headers })
  if (answer.ok) return answer
  const { error } = await answer.json().catch(() => ({})) as { error?: string }
  throw new Refusal(answer.status, error ?? `The server answered ${answer.status}`)
}

/** What the server answers, as JSON. @throws Refusal */
export async function get<T> (path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<T> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return await (await call(`${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`)).json() as T
}

/** Asks the server to do something. @throws Refusal */
export async function post (path: string, body?: unknown): Promise<void> {
  const json = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  await call(path, { method: 'POST', ...json })
}

/** The events of a stream, until it ends. @throws Refusal */
export async function * stream (path: string, signal: AbortSignal): AsyncGenerator<ServerEvent, void> {
  const { body } = await call(path, { signal })
  if (body !== null) yield * eventsIn(body)
}
