import { readFile } from 'node:fs/promises'

/** A script of this folder with another URL, the only change that a client of Signalbox needs. Throws when `theirs` is not in it. */
export async function clientFor (url: string, { script, theirs }: { script: string, theirs: string }): Promise<string> {
  const source = await readFile(new URL(script, import.meta.url), 'utf8')
  const literal = `'${theirs}'`
  if (source.split(literal).length !== 2) throw new Error(`${script} does not hold ${literal} once`)
  return source.replace(literal, `'${url}'`)
}
