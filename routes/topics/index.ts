import { nativePathBelow, type OptionalDialect } from '../../src/kit.js'

/** y-webrtc, and Trystero's ws-relay. */
export const topics: OptionalDialect = {
  name: 'topics',
  title: 'Topics',
  isOptional: true,
  // Loaded where it is on.
  plugin: async (app) => await (await import('./plugin.js')).plugin(app, {}),
  prefix: () => '/topics',
  rootPath: '/y-webrtc',
  nativePath: nativePathBelow('/topics'),
  sampleUrl: () => '/topics',
  summary: 'Clients subscribe to topics, and get what is published there: y-webrtc, and Trystero’s ws-relay.'
}
