import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'

/** The path of a new file with this text, which goes with the test. */
export function fileWith (t: Test, text: string | Buffer): string {
  const path = join(mkdtempSync(join(tmpdir(), 'signalbox-')), 'setting')
  t.teardown(() => rmSync(dirname(path), { recursive: true }))
  writeFileSync(path, text)
  return path
}
