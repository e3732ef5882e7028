import { KeyObject } from 'node:crypto'
import { createLocalJWKSet, type CryptoKey, errors, type JSONWebKeySet } from 'jose'
import { TokenRate, TokenBucket } from '../limits/token-bucket.js'
import { type Algorithm, algorithmOf, pemOf, type TokenHeader, type Verification } from './verification.js'

/** How long a key server may take. In ms. */
const fetchTimeoutMs = 3_000
/** How much it may answer. */
const maxAnswerBytes = 262_144
/** After so long keys are fetched again. In ms. */
const keysMaxAgeMs = 600_000
/** For so long keys are used while the key server fails. In ms. */
const keysMaxStaleMs = 86_400_000
/** How often a token with an unknown key may make us fetch: so many times at once, and then so many a second. */
const reloadBurst = 5
const reloadRate = 0.1
/** After a failed fetch nobody fetches for so long, twice as long after each further one. In ms. */
const minPauseMs = 1_000
const maxPauseMs = 60_000

const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']

/** Why there is no key, in words that hold nothing of the URL, the answer or the token. */
class KeyServerError extends Error {
  override name = 'KeyServerError'
}

interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly fetchedAt: number
}

/**
 * The keys of a key server: by the token's `kid`, and only one whose type, and whose `alg` if it has one, is that of the token.
 *
 * @param onProblem told why keys cannot be fetched or used
 * @param clock a monotonic one, in ms
 */
export function remoteKeys (url: string, onProblem: (reason: string) => void, clock = () => performance.now()): Verification {
  const keys = new KeyServer(url, onProblem, clock)
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
        onProblem('a key is too short, or of another kind')
        throw new KeyServerError('unusable key')
      }
      const pem = pemOf(key)
      pems.set(found, pem)
      return pem
    }
  }
}

/** One fetch at a time, for all who wait. While the server fails, fetches get rare, and the keys that are there are used. */
class KeyServer {
  readonly #url: string
  readonly #onProblem: (reason: string) => void
  readonly #clock: () => number
  readonly #reloads = new TokenBucket(new TokenRate(reloadRate, reloadBurst))
  #keys: KeySet | undefined
  #fetching: Promise<boolean> | undefined
  #pauseMs = 0
  #pausedUntil = -Infinity

  constructor (url: string, onProblem: (reason: string) => void, clock: () => number) {
    this.#url = url
    this.#onProblem = onProblem
    this.#clock = clock
  }

  async find (header: Required<Pick<TokenHeader, 'alg'>> & TokenHeader): Promise<CryptoKey> {
    if (this.#ageMs > keysMaxAgeMs) await this.#fetch()
    if (this.#ageMs > keysMaxStaleMs) this.#keys = undefined
    try {
      return await this.#pick(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isPaused || !this.#reloads.take(this.#clock())) throw error
      if (!await this.#fetch()) throw error
      return await this.#pick(header)
    }
  }

  /** Of the keys that are there; infinite without. */
  get #ageMs (): number {
    return this.#clock() - (this.#keys?.fetchedAt ?? -Infinity)
  }

  get #isPaused (): boolean {
    return this.#clock() < this.#pausedUntil
  }

  async #pick (header: { alg: string, kid?: string }): Promise<CryptoKey> {
    if (this.#keys === undefined) throw new KeyServerError('no keys')
    try {
      return await this.#keys.find(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) && !(error instanceof errors.JWKSMultipleMatchingKeys)) this.#onProblem('a key cannot be used')
      throw error
    }
  }

  /** Whether there are fresh keys now. */
  #fetch (): Promise<boolean> | false {
    if (this.#isPaused) return false
    this.#fetching ??= this.#replace().finally(() => { this.#fetching = undefined })
    return this.#fetching
  }

  async #replace (): Promise<boolean> {
    try {
      this.#keys = { find: createLocalJWKSet(await fetchKeySet(this.#url)), fetchedAt: this.#clock() }
      this.#pauseMs = 0
      return true
    } catch (error) {
      this.#pauseMs = Math.min(Math.max(2 * this.#pauseMs, minPauseMs), maxPauseMs)
      this.#pausedUntil = this.#clock() + this.#pauseMs
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
    // What it is, jose checks.
    return JSON.parse(text) as JSONWebKeySet
  } catch {
    throw new KeyServerError('it answered no JSON')
  }
}

/** What it sends compressed counts as what becomes of it. */
async function readText ({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length
    // Leaving the loop ends the connection.
    if (length > maxAnswerBytes) throw new KeyServerError(`its answer has more than ${maxAnswerBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function reasonOf (error: unknown): string {
  if (error instanceof KeyServerError) return error.message
  if (error instanceof errors.JWKSInvalid) return 'it answered no JSON Web Key Set'
  if ((error as Error).name === 'TimeoutError') return `no answer in ${fetchTimeoutMs} ms`
  // Of fetch. Its message, and those of what lies beneath, may hold the URL.
  const { code } = (error as { cause?: { code?: unknown } }).cause ?? {}
  return typeof code === 'string' ? code : 'it cannot be reached'
}
