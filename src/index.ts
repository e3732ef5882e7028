/** For apps that embed Signalbox. What dialects are made of is in kit.ts. */
export { type SignalboxOptions, signalbox } from './app.js'
export { ConfigError } from './config/config-error.js'
export { ConfigSchema } from './config/schema.js'
export type { GenerateId } from './dialect/generate-id.js'
export { type CreateServiceOptions, createService } from './service.js'
export { type DialectName, readConfig } from './settings.js'
// Types that the plugins add to the app's own.
export type { Auth } from '../plugins/auth.js'
export type { CloseEvent, ConnectionEvent, PeerEvent, SignalboxEvents } from './connection/events.js'
export type { Signalbox } from '../plugins/signalbox.js'
export type {} from '../plugins/state.js'
// The built-in dialects.
export * from './dialects.js'
// The one list of the kit's names is kit.ts: a second one here could differ.
export * from './kit.js'
