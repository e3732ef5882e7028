import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Keeps `import.meta.url` the address of the source, so that tests find pages, examples and workers next to it. */
const sourceUrl: Plugin = {
  name: 'source-url',
  setup ({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      return { contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'ts' }
    })
  }
}

/**
 * Bundles each test file given as an argument, together with the sources it imports, into a JavaScript file of the same
 * path in `build/`. Packages stay outside.
 */
const files = process.argv.slice(2)
const outdir = join(root, 'build')
await rm(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: files,
  outbase: root,
  outdir,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  splitting: true,
  logLevel: 'warning',
  plugins: [sourceUrl]
})
