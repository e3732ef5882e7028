import { ownerOf } from '../auth/permit.js'
import type { Config } from '../config/schema.js'
import type { Grace, JoinRequest, Member, State } from '../state/contract.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { Connection } from './connection.js'

/** A client that registers an id, in one room at a time. */
export class RegisteringClient {
  readonly connection: Connection

  constructor (connection: Connection) {
    this.connection = connection
  }

  /** Undefined until it has registered. */
  get member (): Member | undefined {
    return this.connection.members[0]
  }
}

/**
 * Registers a client under an id, in place of its earlier registration, if any. If another connection keeps the id, the client is
 * refused with `taken` and its earlier registration stays. If its token does not allow the id, it is denied.
 */
export function register (
  { peers }: State,
  config: Config,
  { connection, member: leaving }: RegisteringClient,
  { room, id, info, welcome, undeliverable, taken }: Pick<JoinRequest, 'room' | 'id' | 'info' | 'welcome' | 'undeliverable'> &
    { taken: string }
): MaybePromise<void> {
  if (!connection.may.register(id)) return connection.deny()
  const owner = ownerOf(connection.may)
  const grace = graceOf(config, connection, owner)
  const replace = config.ID_TAKEOVER === 'replace'
  const joined = peers.join({ room, id, info, welcome, undeliverable, sink: connection, owner, grace, replace, leaving })
  return andThen(joined, ({ outcome }) => {
    if (outcome === 'joined') return
    connection.noteRefusal('id_taken', id)
    connection.refuse(taken)
  })
}

/** The grace of a registration, by `RESUME_GRACE_MS`: its owner comes back to it, or without one whoever has its address. */
export function graceOf ({ RESUME_GRACE_MS: ms }: Config, { address }: Connection, owner: string | undefined): Grace | undefined {
  return ms === 0 ? undefined : { ms, as: owner ?? `address:${address}` }
}
