import { ownerOf } from '../auth/permit.js'
import type { Config } from '../config/schema.js'
import type { JoinRequest, Member, State } from '../state/contract.js'
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
  { ID_TAKEOVER }: Config,
  { connection, member: leaving }: RegisteringClient,
  { id, taken, ...rest }: Pick<JoinRequest, 'room' | 'id' | 'info' | 'welcome' | 'undeliverable'> & { taken: string }
): MaybePromise<void> {
  if (!connection.may.register(id)) return connection.deny()
  const owner = ownerOf(connection.may)
  const joined = peers.join({ ...rest, id, sink: connection, owner, replace: ID_TAKEOVER === 'replace', leaving })
  return andThen(joined, ({ outcome }) => {
    if (outcome === 'joined') return
    connection.noteRefusal('id_taken', id)
    connection.refuse(taken)
  })
}
