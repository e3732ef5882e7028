import { ownerOf } from '../auth/permit.js'
import type { Config } from '../config/schema.js'
import type { Connection } from './connection.js'
import { andThen, type MaybePromise } from '../timing/maybe-promise.js'
import type { JoinRequest, Member, State } from '../state/contract.js'

/** A client that is in one room at a time, under an id that it registers. */
export interface RegisteringClient {
  readonly connection: Connection
  /** Undefined until it has registered. */
  member: Member | undefined
}

/** How such a client begins and ends: the `open` and `close` of its dialect. */
export function registration ({ peers }: State) {
  return {
    open: (connection: Connection): RegisteringClient => ({ connection, member: undefined }),
    close: ({ member }: RegisteringClient): MaybePromise<unknown> => member !== undefined && peers.leave(member)
  }
}

/** Registers it, or refuses with `taken` when another connection keeps the id. Its earlier place, if any, is left. */
export function register (
  { peers }: State,
  { ID_TAKEOVER }: Config,
  registrant: RegisteringClient,
  { room, id, info, welcome, undeliverable, taken }: Pick<JoinRequest, 'room' | 'id' | 'info' | 'welcome' | 'undeliverable'> & { taken: string }
): MaybePromise<void> {
  const { connection, member: leaving } = registrant
  if (!connection.may.register(id)) return connection.deny()
  const join: JoinRequest = { room, id, info, welcome, undeliverable, sink: connection, owner: ownerOf(connection.may), replace: ID_TAKEOVER === 'replace', leaving }
  return andThen(peers.join(join), (joined) => {
    if (joined.outcome === 'joined') {
      registrant.member = joined.member
    } else {
      connection.noteRefusal('id_taken', id)
      connection.refuse(taken)
    }
  })
}
