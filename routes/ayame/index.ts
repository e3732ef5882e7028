import type { OptionalDialect } from '../../src/kit.js'

/** Ayame: rooms of two. */
export const ayame: OptionalDialect = {
  name: 'ayame',
  title: 'Ayame',
  isOptional: true,
  // Loaded where it is on.
  plugin: async (app) => await (await import('./plugin.js')).plugin(app, {}),
  prefix: () => '/ayame',
  rootPath: '/signaling',
  nativePath (path, isUpgrade) {
    if (!isUpgrade) return path === '/.ok' || path === '/health' ? '/ayame/health' : undefined
    return /^\/signaling\/?$/.test(path) ? '/ayame' : undefined
  },
  sampleUrl: () => '/signaling',
  summary: 'Two clients meet in a room, whose name they know. The second one calls.'
}
