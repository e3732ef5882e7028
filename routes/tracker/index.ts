import { nativePathBelow, type OptionalDialect } from '../../src/kit.js'

/** The WebTorrent tracker: peers of a swarm send their offers to a few others of it, whom the tracker draws. */
export const tracker: OptionalDialect = {
  name: 'tracker',
  title: 'WebTorrent tracker',
  isOptional: true,
  // Loaded where it is on.
  plugin: async (app) => await (await import('./plugin.js')).plugin(app, {}),
  // Content blockers know `/announce`.
  prefix: () => '/t',
  rootPath: '/announce',
  nativePath: nativePathBelow('/t'),
  sampleUrl: () => '/t',
  summary: 'Peers of a swarm send offers to random others of it.'
}
