import type { Check } from '../check.js'
import { explainSilence } from '../explain/silence.js'
import { Socket } from '../socket.js'
import { openSocket } from './open.js'

const shownEveryMs = 250

export const silence: Check = {
  name: 'silence',
  title: 'Silence',
  about: 'Whether a socket on which this page sends nothing stays open.',
  canSkip: true,
  async run (facts, tell) {
    const { silenceMs: wantedMs, skipped, ended } = facts.options
    const socket = await openSocket(facts)
    if (!(socket instanceof Socket)) return socket
    const heartbeatMs = (await facts.info()).body?.heartbeatMs
    const begunAt = performance.now()
    const lasted = () => performance.now() - begunAt

    function show (): void {
      const left = Math.max(0, Math.ceil((wantedMs - lasted()) / 1000))
      tell({ progress: Math.min(1, lasted() / wantedMs), text: `Waiting in silence, ${left} s to go.` })
    }

    show()
    const showing = setInterval(show, shownEveryMs)
    try {
      const over = new Promise<'over'>((resolve) => setTimeout(() => resolve('over'), wantedMs))
      const left = new Promise<'skipped'>((resolve) => {
        for (const signal of [skipped, ended]) signal.addEventListener('abort', () => resolve('skipped'))
      })
      const end = await Promise.race([over, left, socket.closed])
      if (end === 'skipped') {
        return { mark: 'skip', summary: `Skipped after ${Math.round(lasted() / 1000)} s, in which the socket stayed open.` }
      }
      const lastedMs = lasted()
      const answer = end === 'over' ? await socket.ping() : end
      return explainSilence({ lastedMs, wantedMs, heartbeatMs, closed: typeof answer === 'number' ? undefined : answer })
    } finally {
      clearInterval(showing)
      socket.close()
    }
  }
}
