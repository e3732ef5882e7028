import { type Reachable, urlOf } from '../../helper.js'

/** An offer of pictures and sound, whose text nobody may change. */
export const offer = 'v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=\ud83d\ude81\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n' +
  'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\na=sendonly\r\n' +
  'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\na=sendonly\r\n'
export const viewing = offer.replaceAll('sendonly', 'recvonly')
export const answer = viewing.replace('46117', '46118').replaceAll('EsAw', '38sd')

export const [sdp, sdpfrag] = ['application/sdp', 'application/trickle-ice-sdpfrag']

export interface Asked {
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly type?: string
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export interface Answered {
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

/** A request of a client that speaks HTTP. */
export async function ask (to: Reachable, method: string, path: string, { body, type, headers, signal }: Asked = {}): Promise<Answered> {
  const response = await fetch(urlOf(to) + path, {
    method,
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal })
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

export const post = async (to: Reachable, path: string, body = offer, asked: Asked = {}): Promise<Answered> =>
  await ask(to, 'POST', path, { body, type: sdp, ...asked })

/** What a client sends that has found candidates. */
export const fragment = (...lines: string[]): string => ['a=ice-ufrag:EsAw', 'a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', ...lines, ''].join('\r\n')

export const patch = async (to: Reachable, path: string, body: string, headers: Record<string, string> = {}): Promise<Answered> =>
  await ask(to, 'PATCH', path, { body, type: sdpfrag, headers })

/** The path of the session that a call was answered with. */
export const sessionOf = ({ headers }: Answered): string => headers.get('location') ?? ''
