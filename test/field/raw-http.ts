import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import type { Test } from 'tap'

/** An answer as it stands in the bytes of a connection. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RawOptions {
  readonly localAddress?: string
  /** The path of a Unix socket, instead of a port. */
  readonly path?: string
}

/** What a server says to these bytes until it closes the connection. */
export async function exchangeBytes (t: Test, port: number, bytes: string | Buffer, options: RawOptions = {}): Promise<string> {
  const to = options.path === undefined ? { port, host: '127.0.0.1', ...options } : { path: options.path }
  const socket: Socket = connectTcp({ ...to, allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('error', () => {}).on('data', (data) => { text += String(data) }).write(bytes)
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  return text
}

/** The first answer in these bytes. */
export function answerIn (text: string): RawAnswer {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => {
    const [name = '', value = ''] = line.split(/: ?(.*)/s)
    return [name.toLowerCase(), value]
  }))
  return { status: Number(line.split(' ')[1]), headers, body }
}

/** The answer to a request that is written out, headers and all. The connection has to close behind it. */
export async function askRaw (t: Test, port: number, lines: readonly string[], options: RawOptions = {}): Promise<RawAnswer> {
  return answerIn(await exchangeBytes(t, port, `${lines.join('\r\n')}\r\n\r\n`, options))
}
