import type { IncomingHttpHeaders } from 'node:http'

/** Versions of the WebSocket protocol that ws supports. */
export const webSocketVersions = ['13', '8'] as const

/** 16 bytes in base64. */
const keyLength = 24

/** The status that refuses a handshake, as RFC 6455 has it: 426 for an unsupported version, 400 for a missing or bad key. */
export function handshakeFault (headers: IncomingHttpHeaders): 400 | 426 | undefined {
  const versions: readonly string[] = webSocketVersions
  if (!versions.includes(headers['sec-websocket-version'] ?? '')) return 426
  return headers['sec-websocket-key']?.length === keyLength ? undefined : 400
}

/** React Native offers no subprotocol by an empty header, which ws takes for a malformed one. */
export function dropEmptyProtocol (headers: IncomingHttpHeaders): void {
  if (headers['sec-websocket-protocol']?.trim() === '') delete headers['sec-websocket-protocol']
}

/**
 * The query of a handshake, with one value for each name: the last one counts. A value that is not valid UTF-8 is left out, since its
 * undecoded text could be another client's value.
 */
export function parametersOf ({ query, url }: { readonly query: unknown, readonly url: string }): Record<string, string> {
  const all = Object.entries(query as Record<string, string | string[]>)
    .map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) ?? '' : value] as const)
  return Object.fromEntries(!url.includes('%') || isEncoded(url) ? all : all.filter(([, value]) => isEncoded(value)))
}

function isEncoded (text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
