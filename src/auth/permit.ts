import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { wellFormed } from '../frame/ids.js'

/** How far the signer's clock may be ahead of ours, for `nbf` and `iat`. In ms. */
export const clockToleranceMs = 5_000

const TextsSchema = Type.Optional(Type.Array(Type.String({ pattern: wellFormed })))

/** The claims that count here. A pattern is exact, or ends in `*` for any continuation. An absent list allows anything. */
const ClaimsSchema = Type.Object({
  sub: Type.String({ minLength: 1, pattern: wellFormed }),
  /** Seconds since the epoch. */
  exp: Type.Optional(Type.Number()),
  iat: Type.Optional(Type.Number()),
  /** Further ids that may be registered, beside `sub`. */
  ids: TextsSchema,
  dialects: TextsSchema,
  /** Dialects whose peers it may call, and by which it may be called. */
  bridge: TextsSchema,
  groups: TextsSchema,
  rooms: TextsSchema,
  roles: TextsSchema
})

/** What a token says of its bearer, checked: `sub`, `exp`, and what it bounds or grants. See docs/auth.md. */
export type Claims = Static<typeof ClaimsSchema>

const claimsCheck = TypeCompiler.Compile(ClaimsSchema)

/** Who a client is, by its certificate. */
export interface Identity {
  readonly subject: string
  /** In ms since the epoch. */
  readonly expiresAt: number
}

/** Who a client is, and what it may do. */
export interface Permit {
  /** The `sub` of its token, or the name in its certificate. Only the same subject may take over its ids. Undefined without auth. */
  readonly subject: string | undefined
  /** When its token or certificate expires, whichever is first. In ms since the epoch. */
  readonly expiresAt: number
  /** From its certificate, which no token changes. Undefined without one. */
  readonly identity: Identity | undefined
  /** The claims of its token. Undefined without auth. */
  readonly claims: Claims | undefined
  /** Whether it may register this id. */
  register (id: string): boolean
  useDialect (dialect: string): boolean
  enterGroup (group: string): boolean
  enterRoom (room: string): boolean
  /** Whether it may create a room. The server chooses the name. */
  createRoom (): boolean
  /** Whether it may call peers of another dialect. With auth a token has to say so. */
  call (dialect: string): boolean
  /** Whether peers of another dialect may call it. Only a token that says so much bounds that. */
  beCalledFrom (dialect: string): boolean
  /** Whether its token has the role, or `admin`, which includes the others. True without auth. */
  hasRole (role: 'discover' | 'assign' | 'admin'): boolean
}

/**
 * The owner of an id that a client registers: its subject, or else the token that it made up for itself. One kind never passes for the
 * other, whatever its text. Undefined for a client with neither.
 */
export function ownerOf ({ subject }: Permit, token = ''): string | undefined {
  if (subject !== undefined) return `subject:${subject}`
  return token === '' ? undefined : `token:${token}`
}

/**
 * Whether a token grants a role that reads or ends what others do. An open server grants those to nobody, although its permit
 * allows everything else.
 */
export function isGranted (permit: Permit | undefined, role: 'discover' | 'admin'): permit is Permit & { readonly subject: string } {
  return permit?.subject !== undefined && permit.hasRole(role)
}

/** The permit of everybody on an open server. */
export const openPermit: Permit = permitOf(undefined, undefined)

/** The permit of a client that has shown no token yet: it allows nothing. */
export function strangersPermit (identity: Identity | undefined): Permit {
  const nothing = permitOf({ sub: '', ids: [], dialects: [], groups: [], rooms: [], roles: [] }, identity)
  return { ...nothing, subject: undefined, claims: undefined, register: () => false }
}

/**
 * The permit for a token's payload. Its signature, issuer, audience and `nbf` must have been checked. Undefined for a token that has
 * expired, was issued in the future, has no subject or another than the certificate, or has a malformed claim: a claim that cannot be
 * read must not count as absent.
 *
 * @param now in ms since the epoch
 */
export function readPermit (payload: unknown, now: number, identity?: Identity): Permit | undefined {
  if (!claimsCheck.Check(payload)) return undefined
  if (identity !== undefined && identity.subject !== payload.sub) return undefined
  return timeProblem(payload, Math.min(endOf(payload), identity?.expiresAt ?? Infinity), now) === undefined
    ? permitOf(payload, identity)
    : undefined
}

/** Why `readPermit` has no permit for a payload, in words for who made the token. Undefined where it has one. */
export function refusalOf (payload: unknown, now: number): string | undefined {
  if (claimsCheck.Check(payload)) return timeProblem(payload, endOf(payload), now)
  const claim = claimsCheck.Errors(payload).First()?.path.split('/')[1]
  if (claim === undefined) return 'its payload is no object'
  return claim === 'sub' ? 'its sub is missing, or is no text that can be an id' : `its ${claim} is of the wrong type`
}

function timeProblem ({ iat = 0 }: Claims, expiresAt: number, now: number): string | undefined {
  if (now >= expiresAt) return `it expired at ${new Date(expiresAt).toISOString()}`
  if (iat * 1000 > now + clockToleranceMs) return `it was issued in the future, at ${new Date(iat * 1000).toISOString()}: a clock is off`
}

/** In ms since the epoch. */
function endOf ({ exp = Infinity }: Claims): number {
  return exp * 1000
}

function permitOf (claims: Claims | undefined, identity: Identity | undefined): Permit {
  const { sub, ids, dialects, bridge, groups, rooms, roles } = claims ?? {}
  return {
    subject: sub,
    expiresAt: Math.min(claims === undefined ? Infinity : endOf(claims), identity?.expiresAt ?? Infinity),
    identity,
    claims,
    register: (id) => claims === undefined || id === sub || fits(ids ?? [], id),
    useDialect: (dialect) => fits(dialects, dialect),
    enterGroup: (group) => fits(groups, group),
    enterRoom: (room) => fits(rooms, room),
    call: (dialect) => claims === undefined || fits(bridge ?? [], dialect),
    beCalledFrom: (dialect) => fits(bridge, dialect),
    createRoom: () => rooms?.length !== 0,
    hasRole: (role) => claims === undefined || roles?.includes(role) === true || roles?.includes('admin') === true
  }
}

function fits (patterns: readonly string[] | undefined, name: string): boolean {
  if (patterns === undefined) return true
  return patterns.some((pattern) => pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)
}
