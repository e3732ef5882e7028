import { randomBytes } from 'node:crypto'
import type { IceServers } from '../../../auth/ice-servers.js'
import type { Claims } from '../../../auth/permit.js'
import type { Config } from '../../../config/schema.js'
import { readConfig } from '../../../settings.js'
import { mint, type Signer, signerOf } from '../../token/mint.js'
import { readUrl } from '../../url.js'
import { type Answer, ask, type Asking } from '../http.js'
import type { IceSubject } from '../ice/checks.js'
import { claimsIn } from '../secrets.js'

interface DeploymentOptions {
  readonly env: NodeJS.ProcessEnv
  /** Flags of settings. */
  readonly settings: readonly string[]
  /** The doctor's own options. */
  readonly values: ReadonlyMap<string, string>
  /** Whether it may be silent for 70 s. */
  readonly isPatient: boolean
}

/** How long the tokens last that the doctor signs for itself. In s. */
const lifetime = 600

/** A running deployment, as its clients see it. Checks add what later ones need. */
export class Deployment implements IceSubject {
  /** Without a slash at its end. */
  readonly url: string
  /** The settings on this host. Those of the deployment may be others; keys and secrets are taken from here. */
  readonly config: Config
  readonly isPatient: boolean
  /** The origin of the pages that use it. */
  readonly origin: string
  /** Every id that the doctor registers begins with it. */
  readonly name = `doctor-${randomBytes(4).toString('hex')}`
  /** All that were used. */
  readonly tokens: string[] = []
  readonly #signer: Signer | undefined
  readonly #given: string | undefined
  /** Whether the deployment asks for tokens. Known once it has been asked. */
  isGuarded = false
  /** Processes behind the URL, as far as they have shown themselves. */
  nodes = 1
  /** The dialects that it speaks, once it has been asked. */
  dialects: readonly string[] = []
  #admin: string | undefined

  /** @throws CommandError or ConfigError for what cannot be used */
  constructor (url: string, { env, settings, values, isPatient }: DeploymentOptions) {
    this.url = readUrl(url, 'doctor')
    this.config = readConfig(env, settings)
    this.isPatient = isPatient
    this.origin = values.get('origin') ?? new URL(this.url).origin
    this.#given = values.get('token')
    this.#signer = signerOf(this.config, values.get('key'))
    if (this.#given !== undefined) this.tokens.push(this.#given)
  }

  /** Whether it can sign tokens itself. */
  get canSign (): boolean {
    return this.#signer !== undefined
  }

  get hasToken (): boolean {
    return this.canSign || this.#given !== undefined
  }

  get isSecure (): boolean {
    return this.url.startsWith('https:')
  }

  get hostname (): string {
    return new URL(this.url).hostname.replace(/^\[|\]$/g, '')
  }

  get port (): number {
    return Number(new URL(this.url).port) || (this.isSecure ? 443 : 80)
  }

  /** The claims of the token that was given, which nobody has verified here. */
  get givenClaims (): Readonly<Record<string, unknown>> {
    return this.#given === undefined ? {} : claimsIn(this.#given)
  }

  /** Signs with the key of the settings. Undefined without one. */
  async signed (claims: Partial<Claims>): Promise<string | undefined> {
    if (this.#signer === undefined) return undefined
    const now = Math.floor(Date.now() / 1000)
    const token = await mint({ sub: this.name, iat: now - 1, exp: now + lifetime, ...claims }, this.#signer, this.config)
    this.tokens.push(token)
    return token
  }

  /** A token for a peer with this id: the one that was given, or one of our own. Undefined where none is asked for, or can be had. */
  async tokenFor (id: string): Promise<string | undefined> {
    return this.isGuarded ? this.#given ?? await this.signed({ sub: id }) : undefined
  }

  /** A token for what administrators may ask. Undefined without. */
  async adminToken (): Promise<string | undefined> {
    if (!this.isGuarded) return undefined
    this.#admin ??= this.#given ?? await this.signed({ roles: ['admin'] })
    return this.#admin
  }

  async ask (path: string, options: Asking & { token?: string | undefined } = {}): Promise<Answer> {
    const { token, headers, ...rest } = options
    const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return await ask(this.url + path, { ...rest, headers: { ...headers, ...bearer } })
  }

  async iceServers (): Promise<IceServers | undefined> {
    const { status, json } = await this.ask('/ice-servers', { token: await this.tokenFor(this.name) })
    return status === 200 ? json as IceServers : undefined
  }

  async close (): Promise<void> {}
}
