import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'

const maxBytes = 300_000

t.test('all pages together are small, but for the API reference', (t) => {
  const files = readdirSync('dist/web', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('docs'))
  const sizes = files.map(({ parentPath, name }) => gzipSync(readFileSync(`${parentPath}/${name}`)).length)
  const size = sizes.reduce((sum, size) => sum + size, 0)
  t.ok(size > 0 && size < maxBytes, `${size} bytes with gzip`)
  t.end()
})
