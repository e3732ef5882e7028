const scheme = 'unix:'

/** The address of peers on a Unix socket: they have none, and are on this machine. */
export const unixPeer = '127.0.0.1'

/** What an address of a Unix socket holds beside the byte that ends it. Linux has the most room. */
const maxPathBytes = process.platform === 'linux' ? 107 : 103

/** What `HOST` takes for a Unix socket, in words. */
export const unixHostExpected = `unix:/path with an absolute path of at most ${maxPathBytes} bytes`

/** The path of the socket that a `HOST` of `unix:/path` names. Undefined for an address or a name. */
export function unixPathOf (host: string): string | undefined {
  return host.startsWith(scheme) ? host.slice(scheme.length) : undefined
}

/** Whether a `HOST` is an address, a name, or a path that a Unix socket can have. The system would cut a longer path. */
export function isHost (host: string): boolean {
  const path = unixPathOf(host)
  return path === undefined || (path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= maxPathBytes)
}
