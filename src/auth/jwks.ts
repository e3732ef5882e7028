import { KeyObject } from 'node:crypto'
import { createLocalJWKSet, type CryptoKey, errors, type JSONWebKeySet } from 'jose'
import { TokenRate, TokenBucket } from '../limits/token-bucket.js'
import { type Algorithm, algorithmOf, pemOf, type TokenHeader, type Verification } from './verification.js'

/** How long a key server may take to answer. In ms. */
const fetchTimeoutMs = 3_000
/** Bytes of an answer, after decompression. */
const maxAnswerBytes = 262_144
/** Older keys are fetched again. In ms. */
const keysMaxAgeMs = 600_000
/** Older keys are not used, even while the key server fails. In ms. */
const keysMaxStaleMs = 86_400_000
/** How often tokens with unknown keys may make us fetch: at once, and then a second. */
const reloadBurst = 5
const reloadRate = 0.1
/** The pause after a failed fetch. It doubles with each further failure. In ms. */
const minPauseMs = 1_000
const maxPauseMs = 60_000

const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']

/** Why there is no key. The message never contains the URL, the answer or the token. */
class KeyServerError extends Error {
  override name = 'KeyServerError'
}

interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly fetchedAt: number
}

/**
 * Verification by the keys of a key server. A key is found by the token's `kid`; its type, and its `alg` if it has one, must be the
 * token's.
 *
 * @param onProblem called with the reason when keys cannot be fetched or used
 * @param now a monotonic clock, in ms
 */
export function remoteKeys (url: string, onProblem: (reason: string) => void, now: () => number): Verification {
  const keys = new KeyServer(url, onProblem, now)
  /** @fastify/jwt takes a PEM. Made once for a key, not for every token. */
  const pems = new WeakMap<CryptoKey, string>()

  return {
    algorithms,
    async key ({ alg, kid }) {
      if (!algorithms.includes(alg as Algorithm)) throw new Error('unsupported algorithm')
      const found = await keys.find({ alg: String(alg), ...(kid !== undefined && { kid }) })
      const known = pems.get(found)
      if (known !== undefined) return known
      const key = KeyObject.from(found)
      if (algorithmOf(key) !== alg) {
        onProblem('a key is too short, or of an unsupported kind')
        throw new KeyServerError('unusable key')
      }
      const pem = pemOf(key)
      pems.set(found, pem)
      return pem
    }
  }
}

/** Fetches keys, one fetch at a time for all who wait. While the server fails, fetches become rare and known keys stay in use. */
class KeyServer {
  readonly #url: string
  readonly #onProblem: (reason: string) => void
  readonly #now: () => number
  readonly #reloads = new TokenBucket(new TokenRate(reloadRate, reloadBurst))
  #keys: KeySet | undefined
  #fetching: Promise<boolean> | undefined
  #pauseMs = 0
  #pausedUntil = -Infinity

  constructor (url: string, onProblem: (reason: string) => void, now: () => number) {
    this.#url = url
    this.#onProblem = onProblem
    this.#now = now
  }

  async find (header: Required<Pick<TokenHeader, 'alg'>> & TokenHeader): Promise<CryptoKey> {
    if (this.#ageMs > keysMaxAgeMs) await this.#fetch()
    if (this.#ageMs > keysMaxStaleMs) this.#keys = undefined
    try {
      return await this.#pick(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isPaused || !this.#reloads.take(this.#now())) throw error
      if (!await this.#fetch()) throw error
      return await this.#pick(header)
    }
  }

  /** Age of the known keys; infinite without any. */
  get #ageMs (): number {
    return this.#now() - (this.#keys?.fetchedAt ?? -Infinity)
  }

  get #isPaused (): boolean {
    return this.#now() < this.#pausedUntil
  }

  async #pick (header: { alg: string, kid?: string }): Promise<CryptoKey> {
    if (this.#keys === undefined) throw new KeyServerError('no keys')
    try {
      return await this.#keys.find(header)
    } catch (error) {
      const isNotFound = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
      if (!isNotFound) this.#onProblem('a key cannot be used')
      throw error
    }
  }

  /** Resolves to whether there are fresh keys now. */
  #fetch (): Promise<boolean> | false {
    if (this.#isPaused) return false
    this.#fetching ??= this.#replace().finally(() => { this.#fetching = undefined })
    return this.#fetching
  }

  async #replace (): Promise<boolean> {
    try {
      this.#keys = { find: createLocalJWKSet(await fetchKeySet(this.#url)), fetchedAt: this.#now() }
      this.#pauseMs = 0
      return true
    } catch (error) {
      this.#pauseMs = Math.min(Math.max(2 * this.#pauseMs, minPauseMs), maxPauseMs)
      this.#pausedUntil = this.#now() + this.#pauseMs
      this.#onProblem(reasonOf(error))
      return false
    }
  }
}

async function fetchKeySet (url: string): Promise<JSONWebKeySet> {
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(fetchTimeoutMs) })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new KeyServerError(`it answered ${response.status}`)
  }
  const text = await readText(response)
  try {
    // jose checks its shape.
    return JSON.parse(text) as JSONWebKeySet
  } catch {
    throw new KeyServerError('its answer is not JSON')
  }
}

async function readText ({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length
    // The error leaves the loop, which ends the connection.
    if (length > maxAnswerBytes) throw new KeyServerError(`its answer has more than ${maxAnswerBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function reasonOf (error: unknown): string {
  if (error instanceof KeyServerError) return error.message
  if (error instanceof errors.JWKSInvalid) return 'its answer is not a JSON Web Key Set'
  if ((error as Error).name === 'TimeoutError') return `no answer in ${fetchTimeoutMs} ms`
  // An error of fetch. Its message and its causes may contain the URL.
  const { code } = (error as { cause?: { code?: unknown } }).cause ?? {}
  return typeof code === 'string' ? code : 'it cannot be reached'
}
