import type { Config } from '../config/schema.js'

/**
 * The path on the main listener that answers for a path of the original server, or undefined where the original has nothing.
 *
 * @throws URIError for a path with broken escapes
 */
export type NativePath = (path: string, isUpgrade: boolean, config: Config) => string | undefined
