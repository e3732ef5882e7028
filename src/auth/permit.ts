import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { wellFormed } from '../frame/ids.js'

/** How far the clock of whoever signs tokens may be ahead of ours, for `nbf` and `iat`. In ms. */
export const clockToleranceMs = 5_000

const TextsSchema = Type.Optional(Type.Array(Type.String({ pattern: wellFormed })))

/** What of a token's payload counts here. Patterns are exact, or end in `*` for whatever follows; absent means anything. */
const ClaimsSchema = Type.Object({
  sub: Type.String({ minLength: 1, pattern: wellFormed }),
  /** Seconds since the epoch. */
  exp: Type.Optional(Type.Number()),
  iat: Type.Optional(Type.Number()),
  /** Ids that may be registered beside `sub`. */
  ids: TextsSchema,
  dialects: TextsSchema,
  groups: TextsSchema,
  rooms: TextsSchema,
  roles: TextsSchema
})

export type Claims = Static<typeof ClaimsSchema>

const claimsCheck = TypeCompiler.Compile(ClaimsSchema)

/** Who a client is by its certificate. */
export interface Identity {
  readonly subject: string
  /** In ms since the epoch. */
  readonly expiresAt: number
}

/** Who a client is, and what it may do. Without auth it is nobody, and may do anything. */
export interface Permit {
  /** The `sub` of its token, or the name in its certificate: only the same subject may take its ids over. Undefined without auth. */
  readonly subject: string | undefined
  /** In ms since the epoch: when its token expires, or its certificate if that is sooner. */
  readonly expiresAt: number
  /** Who it is by its certificate, which no token changes. Undefined without one. */
  readonly identity: Identity | undefined
  /** The claims of its token. Undefined without auth. */
  readonly claims: Claims | undefined
  /** Whether it may have this id. */
  register (id: string): boolean
  /** Whether it may speak a dialect at all. */
  useDialect (dialect: string): boolean
  enterGroup (group: string): boolean
  enterRoom (room: string): boolean
  /** Whether it may make a room, whose name it does not choose. */
  createRoom (): boolean
  /** Whether its token carries the role, or `admin`, which includes the others. */
  hasRole (role: 'discover' | 'assign' | 'admin'): boolean
}

/**
 * Whose an id is that a client registers: the subject's of its token or certificate, else that of who knows the token which it
 * made up for itself. One kind never passes for the other, whatever its text. Undefined is whoever has neither.
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

/**
 * The permit that a payload grants, whose signature, issuer, audience and `nbf` have been checked; `now` is in ms since the
 * epoch. Undefined when it has expired, was made in the future, names nobody or another than the certificate does, or holds a
 * claim of another shape than ours: what cannot be read must not count as absent.
 */
export function readPermit (payload: unknown, now: number, identity?: Identity): Permit | undefined {
  if (!claimsCheck.Check(payload)) return undefined
  const { sub, iat = 0 } = payload
  if (identity !== undefined && identity.subject !== sub) return undefined
  const permit = permitOf(payload, identity)
  return now >= permit.expiresAt || iat * 1000 > now + clockToleranceMs ? undefined : permit
}

function permitOf (claims: Claims | undefined, identity: Identity | undefined): Permit {
  const { sub, exp = Infinity, ids, dialects, groups, rooms, roles } = claims ?? {}
  return {
    subject: sub,
    expiresAt: Math.min(exp * 1000, identity?.expiresAt ?? Infinity),
    identity,
    claims,
    register: (id) => claims === undefined || id === sub || fits(ids ?? [], id),
    useDialect: (dialect) => fits(dialects, dialect),
    enterGroup: (group) => fits(groups, group),
    enterRoom: (room) => fits(rooms, room),
    createRoom: () => rooms?.length !== 0,
    hasRole: (role) => claims === undefined || roles?.includes(role) === true || roles?.includes('admin') === true
  }
}

function fits (patterns: readonly string[] | undefined, name: string): boolean {
  return patterns === undefined || patterns.some((pattern) => pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)
}
