import { nativePathBelow, type OptionalDialect } from '../../src/kit.js'

/** GStreamer's webrtcsink and webrtcsrc. */
export const gst: OptionalDialect = {
  name: 'gst',
  title: 'GStreamer',
  isOptional: true,
  // Loaded where it is on.
  plugin: async (app) => await (await import('./plugin.js')).plugin(app, {}),
  prefix: () => '/gst',
  nativePath: nativePathBelow('/gst'),
  sampleUrl: () => '/gst',
  summary: 'Producers say that they are there, and consumers start sessions with them: webrtcsink and webrtcsrc.'
}
