/** Waits for a promise, and for so many ms at most. */
export async function within (ms: number, promise: Promise<void>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined
  await Promise.race([promise, new Promise<void>((resolve) => { timeout = setTimeout(resolve, ms) })])
  clearTimeout(timeout)
}
