/** For apps that embed Signalbox. What dialects are made of is in kit.ts. */
export { type SignalboxOptions, signalbox } from './app.js'
export { ConfigError } from './config/config-error.js'
export { readConfig } from './config/read.js'
export { ConfigSchema, type DialectName } from './config/schema.js'
export { createService } from './service.js'
// Types that the plugins add to the app's own.
export type { Auth } from '../plugins/auth.js'
export type { CloseEvent, ConnectionEvent, PeerEvent, SignalboxEvents } from './connection/events.js'
export type { Signalbox } from '../plugins/signalbox.js'
export type {} from '../plugins/state.js'
export { drone } from '../routes/drone/index.js'
export { peerjs } from '../routes/peerjs/index.js'
export { psync } from '../routes/psync/index.js'
export { rooms } from '../routes/rooms/index.js'
export { tom } from '../routes/tom/index.js'
// The one list of the kit's names is kit.ts: a second one here could differ.
export * from './kit.js'
