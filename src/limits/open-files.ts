import { readFileSync } from 'node:fs'

/** Files that the process needs beside client sockets: its log, its keys, its connections to Redis. */
export const spareFiles = 96

/** How many files, sockets among them, this process may have open; Infinity where the system does not say. */
export function openFilesLimit (): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === 'unlimited' || soft === '' ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}
