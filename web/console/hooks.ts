import { useEffect, useRef, useState } from 'preact/hooks'
import type { Live } from './live.js'

/** Renders again when the server has told something, once for each frame of the screen. */
export function useLive (live: Live): void {
  const [, render] = useState(0)
  useEffect(() => {
    let due: number | undefined
    const stop = live.listen(() => {
      due ??= requestAnimationFrame(() => {
        due = undefined
        render((count) => count + 1)
      })
    })
    return () => {
      stop()
      if (due !== undefined) cancelAnimationFrame(due)
    }
  }, [live])
}

/** Calls `work` now and again, not while the page is hidden or an earlier call is at work. `again` calls it at once. */
export function useRepeated (work: () => Promise<number>, inputs: readonly unknown[]): () => void {
  const again = useRef(() => {})
  useEffect(() => {
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    let isAtWork = false
    const run = async (): Promise<void> => {
      clearTimeout(timer)
      if (isAtWork || isOver) return
      isAtWork = true
      const waitMs = document.hidden ? 1_000 : await work()
      isAtWork = false
      if (!isOver) timer = setTimeout(run, waitMs)
    }
    again.current = () => { run().catch(() => {}) }
    again.current()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, inputs)
  return () => again.current()
}

/** The part of the address after `#`. */
export function useHash (): string {
  const [hash, set] = useState(location.hash.slice(1))
  useEffect(() => {
    const onChange = (): void => set(location.hash.slice(1))
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return hash
}
