import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigError } from './config-error.js'
import { fileSettingOf, type Settings } from './schema.js'

/** Bytes of a file with a setting's value. */
const maxFileBytes = 65_536
/** Variables with these first words belong to Node and to OpenTelemetry. */
const foreignWords: readonly string[] = ['NODE', 'OTEL']
/** Names shorter than this resemble too many others. */
const minTypoLength = 6

/**
 * The value in the file that `NAME_FILE` names, without the line feed at its end. No message has anything of the file, nor its path, which
 * may be the secret itself.
 *
 * @throws ConfigError for a file that cannot be read, is empty, is too large, or holds no text
 */
export function readSettingFile (name: string, path: string): string {
  const bytes = bytesOf(name, path)
  if (bytes.length > maxFileBytes) throw new ConfigError(`${name}: the file has more than ${maxFileBytes} bytes`)
  const text = textOf(bytes)
  if (text === undefined) throw new ConfigError(`${name}: the file is not UTF-8 text`)
  if (text.trim() === '') throw new ConfigError(`${name}: the file is empty`)
  return text.replace(/\r?\n$/, '')
}

/** One byte more than allowed shows that there are too many: of a device there is no end. */
function bytesOf (name: string, path: string): Buffer {
  const bytes = Buffer.alloc(maxFileBytes + 1)
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      let count
      do length += count = readSync(file, bytes, length, bytes.length - length, null)
      while (count > 0 && length < bytes.length)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new ConfigError(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  return bytes.subarray(0, length)
}

function textOf (bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

/**
 * Finds a variable such as `JWT_SECERT_FILE`, which was meant for us and would be ignored. Those of others, such as `SSL_CERT_FILE`, are
 * left alone: a variable is meant for us if its first word begins a setting's name, or if it is at most two letters from such a name.
 *
 * @throws ConfigError for such a variable
 */
export function checkFileVariables (env: NodeJS.ProcessEnv, settings: Settings): void {
  const names = Object.keys(settings)
  const known = new Set([...names, ...names.map(fileSettingOf)])
  const words = new Set(names.map(firstWord))
  for (const variable of Object.keys(env)) {
    const name = /^([A-Z][A-Z0-9_]*)_FILE$/.exec(variable)?.[1]
    if (name === undefined || known.has(variable) || env[variable]?.trim() === '') continue
    const word = firstWord(name)
    const isOurs = (words.has(word) && !foreignWords.includes(word)) || names.some((own) => isTypo(name, own))
    if (isOurs) throw new ConfigError(`${variable}: no setting is called ${name}; --help lists the settings`)
  }
}

function firstWord (name: string): string {
  return name.split('_', 1)[0] ?? ''
}

/** Whether at most two letters are missing, superfluous or others. */
function isTypo (name: string, own: string): boolean {
  return own.length >= minTypoLength && Math.abs(own.length - name.length) <= 2 && distance(name, own) <= 2
}

/** @see https://en.wikipedia.org/wiki/Levenshtein_distance#Iterative_with_two_matrix_rows */
function distance (one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (const [to, wanted] of [...other].entries()) {
      next.push(Math.min((next[to] ?? 0) + 1, (row[to + 1] ?? 0) + 1, (row[to] ?? 0) + (letter === wanted ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
