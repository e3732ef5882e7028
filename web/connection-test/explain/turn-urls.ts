export type TurnTransport = 'udp' | 'tcp' | 'tls'

/** How a browser reaches the server of a TURN URL; undefined for what no browser does, such as DTLS. */
export function transportOf (url: string): TurnTransport | undefined {
  const [, scheme, transport] = /^(turns?):[^?]*(?:\?transport=(\w+))?$/i.exec(url) ?? []
  if (scheme?.toLowerCase() === 'turns') return transport === undefined || transport.toLowerCase() === 'tcp' ? 'tls' : undefined
  if (scheme === undefined) return undefined
  return transport?.toLowerCase() === 'tcp' ? 'tcp' : 'udp'
}

/** The URLs in a list of ICE servers for which `wanted` is true, each as a server of its own with its credential. */
export function serversWith (servers: readonly RTCIceServer[], wanted: (url: string) => boolean): Array<RTCIceServer & { urls: string }> {
  return servers.flatMap(({ urls, ...rest }) => [urls].flat().filter(wanted).map((url) => ({ ...rest, urls: url })))
}
