import { readFileSync } from 'node:fs'

/** How often is looked whether the launcher still runs. In ms. */
const pollMs = 250

/**
 * Notices the end of the process that started this one, if that is only there to start it: `npm start`, `npx`, `sh -c`. Whoever wants to
 * stop the server knows that process alone, and a shell dies of a signal without passing it on. To be called once the server listens: a
 * shell that has started it in the background has gone by then, and nothing is watched.
 *
 * @param onEnd called once, unless the launcher is still there when this process ends
 */
export function watchLauncher (onEnd: () => void): void {
  const { ppid } = process
  if (!isLauncher(ppid)) return
  const poll = setInterval(() => {
    if (process.ppid === ppid) return
    clearInterval(poll)
    onEnd()
  }, pollMs).unref()
}

function isLauncher (pid: number): boolean {
  if (pid <= 1) return false
  if (process.env.npm_lifecycle_event !== undefined) return true
  try {
    const [command = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return /(^|\/)(sh|ash|bash|dash|ksh|mksh|zsh|busybox)$/.test(command) && args.some((arg) => /^-[a-z]*c$/.test(arg))
  } catch {
    // Not Linux.
    return false
  }
}
