import { existsSync, readFileSync } from 'node:fs'

/** The built files are one folder deeper than the sources. */
const manifest = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url)).find(existsSync)

/** The version in this package's manifest. */
export const version = manifest === undefined ? 'unknown' : (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
