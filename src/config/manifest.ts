import { existsSync, readFileSync } from 'node:fs'

/** What is read of this package's manifest. */
export interface Manifest {
  readonly name: string
  readonly version: string
  /** What it runs on: `node` is a range such as `>=20.19`. */
  readonly engines?: { readonly node: string }
  /** What others may import, by path: `.` is the package itself. */
  readonly exports: Readonly<Record<string, { readonly default: string }>>
}

/** The built files are one folder deeper than the sources. */
const file = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url)).find(existsSync)

/** This package's manifest. Without its file, as in a bundle, there is nothing to import. */
export const manifest: Manifest = file === undefined
  ? { name: 'signalbox', version: 'unknown', exports: {} }
  : JSON.parse(readFileSync(file, 'utf8')) as Manifest
