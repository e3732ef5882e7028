import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))

/** Each HTML file here is a page. Addresses within it are relative, since only the browser knows what a proxy puts before them. */
export default defineConfig({
  root,
  base: './',
  publicDir: false,
  // No line of a page may be inline: the Content-Security-Policy forbids it.
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // That of /docs, which has Swagger UI.
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: {
      input: readdirSync(root).filter((name) => name.endsWith('.html')).map((name) => root + name),
      // A slow machine is none of the reader's concern.
      checks: { pluginTimings: false }
    }
  }
})
