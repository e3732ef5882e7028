import type { FastifyPluginAsync } from 'fastify'
import type { OptionalDialect } from '../../src/kit.js'
import type { HttpProtocol } from './plugin.js'

/** WHIP: whoever publishes over HTTP calls a peer of another dialect. */
export const whip: OptionalDialect = {
  name: 'whip',
  title: 'WHIP',
  isOptional: true,
  plugin: loaded({ name: 'whip', wrongDirection: 'recvonly' }),
  prefix: () => '/whip',
  nativePath: pathBelow('/whip'),
  overHttp: true,
  sampleUrl: () => '/whip/peerjs:alice',
  summary: 'OBS and other publishers over HTTP call a peer of another dialect, which sees them.',
  sampleClient: () => 'await new WHIPClient({ endpoint: \'{http}/whip/peerjs:alice\' }).ingest(stream)'
}

/** WHEP: whoever watches over HTTP calls a peer of another dialect. */
export const whep: OptionalDialect = {
  name: 'whep',
  title: 'WHEP',
  isOptional: true,
  plugin: loaded({ name: 'whep', wrongDirection: 'sendonly' }),
  prefix: () => '/whep',
  nativePath: pathBelow('/whep'),
  overHttp: true,
  sampleUrl: () => '/whep/drone:cam-1',
  summary: 'Players over HTTP call a camera of another dialect, and see it.',
  sampleClient: () => 'await new WHEPClient().view(new RTCPeerConnection(), \'{http}/whep/drone:cam-1\')'
}

/** Loaded where it is on. */
function loaded (protocol: HttpProtocol): FastifyPluginAsync {
  return async (app) => await (await import('./plugin.js')).pluginOf(protocol)(app, {})
}

/** There is no port that its servers have in common. */
function pathBelow (prefix: string): OptionalDialect['nativePath'] {
  return (path, isUpgrade) => !isUpgrade && path.startsWith(`${prefix}/`) ? path : undefined
}
