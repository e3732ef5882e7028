/** The flags of PeerServer, without dashes between words, and the flag that does the same here. */
export const peerServerFlags: ReadonlyMap<string, string> = new Map(Object.entries({
  '-p': '--port',
  '-H': '--host',
  '-h': '--help',
  path: '--peerjs-path',
  key: '--peerjs-key',
  '-k': '--peerjs-key',
  sslkey: '--tls-key',
  sslcert: '--tls-cert',
  proxied: '--trust-proxy, with the addresses of the proxy,',
  alivetimeout: '--peerjs-alive-timeout',
  expiretimeout: '--peerjs-expire-timeout',
  '-t': '--peerjs-expire-timeout',
  concurrentlimit: '--peerjs-concurrent-limit',
  '-c': '--peerjs-concurrent-limit',
  allowdiscovery: '--peerjs-allow-discovery',
  cors: '--allowed-origins'
}))
