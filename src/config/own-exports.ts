import { register } from 'node:module'
import { extname } from 'node:path'
import { manifest } from './manifest.js'

/** Runs in the thread of Node's module hooks. As text, since it must load where the sources are TypeScript. */
const hooks = `
let own
export function initialize (data) { own = data }
export function resolve (specifier, context, next) { return next(own[specifier] ?? specifier, context) }
`

/** The manifest names built files, below `dist`. Where the sources run, as under tsx, their entries are the TypeScript files. */
function entryOf (path: string): string {
  return new URL(path.replace(/^\.\/dist\//, '../../').replace(/\.js$/, extname(import.meta.url)), import.meta.url).href
}

let areShared = false

/**
 * From here on, `import 'signalbox'` gives this very package anywhere in the process: to a plugin that has no `node_modules`, and to one
 * that has another copy in them.
 */
export function shareOwnExports (): void {
  if (areShared) return
  areShared = true
  const entries = Object.entries(manifest.exports).map(([path, { default: file }]) => [path.replace('.', manifest.name), entryOf(file)])
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: Object.fromEntries(entries) })
}
