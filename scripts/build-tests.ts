import { readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Tests run without tsx: the plugins that they load import what is built. */
const builtInstead = { from: join(root, 'src/config/own-exports.ts'), to: join(root, 'dist/src/config/own-exports.js') }

/** Keeps `import.meta.url` the address of the source, so that tests find pages, examples and workers next to it. */
const sourceUrl: Plugin = {
  name: 'source-url',
  setup ({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const file = path === builtInstead.from ? builtInstead.to : path
      return { contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)), loader: 'ts' }
    })
  }
}

/** A module for each folder, which imports those of its files that share a process. */
function folders (files: readonly string[]): Plugin {
  return {
    name: 'folders',
    setup ({ onResolve, onLoad }) {
      onResolve({ filter: /^folder:/ }, ({ path }) => ({ path: path.replace('folder:', ''), namespace: 'folder' }))
      onLoad({ filter: /./, namespace: 'folder' }, ({ path }) => ({
        contents: files.filter((file) => dirname(file) === path).map((file) => `import './${basename(file)}'\n`).join(''),
        resolveDir: join(root, path),
        loader: 'js'
      }))
    }
  }
}

/**
 * Bundles each test file given as an argument, with the sources that it imports, into a JavaScript file of the same path in `build/`,
 * and those after `--together` into an `index.js` for each folder. Packages stay outside.
 */
const [alone = [], together = []] = process.argv.slice(2).join('\n').split('--together').map((list) => list.split('\n').filter(Boolean))
const outdir = join(root, 'build')
await rm(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    ...alone.map((file) => ({ in: file, out: file.replace(/\.ts$/, '') })),
    ...[...new Set(together.map(dirname))].map((folder) => ({ in: `folder:${folder}`, out: `${folder}/index` }))
  ],
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
  plugins: [sourceUrl, folders(together)]
})
