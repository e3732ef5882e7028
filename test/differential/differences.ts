import type { Frame } from '../helper.js'
import type { Transcript } from './stage.js'

/** An intended difference between Signalbox and the original. */
export interface Difference {
  /** The sentence of the wire contract for it. */
  readonly because: string
  /** Turns the original's transcript into Signalbox's. */
  readonly apply: (transcript: Transcript) => void
}

function replace (transcript: Transcript, name: string, change: (entry: Transcript[string][number]) => Transcript[string][number]): void {
  transcript[name] = (transcript[name] ?? []).map(change)
}

const insert = (transcript: Transcript, name: string, at: number, ...frames: Frame[]) => transcript[name]?.splice(at, 0, ...frames)
const error = (msg: string): Frame => ({ type: 'ERROR', payload: { msg } })

function closesWith (code: number, because: string) {
  return (...names: string[]): Difference => ({
    because,
    apply (transcript) {
      for (const name of names) replace(transcript, name, (entry) => 'closed' in entry ? { closed: code } : entry)
    }
  })
}

/** The original closes without a code, which its clients see as 1005. */
export const closesRefused = closesWith(1008, '(1013; the others, and ID-TAKEN, close with 1008).')
export const closesFull = closesWith(1013, 'limit → `Server has reached its concurrent user limit` (1013; …)')
export const closesSilent = closesWith(4101, 'No frame from the client for `PEERJS_ALIVE_TIMEOUT` → closed (4101), record gone.')

export const framesAreLife = (name: string): Difference => ({
  because: 'No frame from the client for `PEERJS_ALIVE_TIMEOUT` → closed … Frames count, pongs do not',
  apply (transcript) {
    transcript[name] = (transcript[name] ?? []).filter((entry) => !('closed' in entry))
  }
})

export const opensAgain = (name: string): Difference => ({
  because: 'Same token → the new socket replaces the old …, gets `OPEN` (the original forgets it), then the kept messages.',
  apply: (transcript) => insert(transcript, name, 0, { type: 'OPEN' })
})

export const closesReplaced = (name: string): Difference => ({
  because: 'Same token → the new socket replaces the old (closed, 4000)',
  apply (transcript) {
    transcript[name] = (transcript[name] ?? []).filter((entry) => !('closed' in entry)).concat({ closed: 4000 })
  }
})

export const tellsBadFrames = (name: string, at: number, ...sentences: string[]): Difference => ({
  because: 'Bad frames → `{"type":"ERROR","payload":{"msg":…}}`, with `Invalid message` for what is not an object, or whose `type` is ' +
    'no string; an object without `type` is ignored, `Unknown message type: X`, `Missing dst`.',
  apply: (transcript) => insert(transcript, name, at, ...sentences.map(error))
})

export const refusesId = (name: string): Difference => ({
  because: 'Ids, room, group and session names: strings of 1–256 UTF-16 units without control characters.',
  apply (transcript) { transcript[name] = [error('Invalid id provided'), { closed: 1008 }] }
})

export const expiresPastBound = (sender: string, at: number, dst: string): Difference => ({
  because: 'The mailbox is bounded (`MAILBOX_MAX_MESSAGES` 1024 … of these one sender may fill a quarter …): ' +
    'past that the sender gets `EXPIRE` at once.',
  apply (transcript) {
    insert(transcript, sender, at, { type: 'EXPIRE', src: dst, dst: sender })
    // The frame past the bound: after OPEN and the 256 that were kept.
    transcript[dst]?.splice(257, 1)
  }
})

export const leavesForGood = (sender: string, receiver: string): Difference => ({
  because: '`LEAVE` without `dst` ends the sender’s own registration.',
  apply (transcript) {
    transcript[receiver] = (transcript[receiver] ?? []).filter((entry) => !('src' in entry && entry.src === sender))
    transcript[sender]?.push(error('Not registered'))
  }
})

export const idIsPlainText: Difference = {
  because: '`GET /<key>/id` → uuid, `text/plain`.',
  apply (transcript) {
    replace(
      transcript,
      'http',
      (entry) => 'path' in entry && /\/id(\?|$)/.test(String(entry.path)) ? { ...entry, type: 'text/plain; charset=utf-8' } : entry
    )
  }
}

const unauthorized = { status: 401, type: 'application/json; charset=utf-8', body: '{"error":"Unauthorized"}' }

export const refusesDiscovery: Difference = {
  because: '`GET /<key>/peers` → 401 unless discovery is on. (The body, which no client reads, is JSON as in all dialects.)',
  apply: (transcript) => replace(
    transcript,
    'http',
    (entry) => 'status' in entry && entry.status === 401 ? { ...entry, ...unauthorized } : entry
  )
}

export const refusesKey = (key: string): Difference => ({
  because: 'A wrong key → 401.',
  apply: (transcript) => replace(
    transcript,
    'http',
    (entry) => 'path' in entry && String(entry.path).startsWith(`/${key}/`) ? { ...entry, ...unauthorized } : entry
  )
})
