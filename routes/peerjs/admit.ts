import { Value } from '@sinclair/typebox/value'
import {
  andThen, type CloseCode, closeCodes, type Config, type Connection, graceOf, type Handshake, IdSchema, type MaybePromise,
  originOf, ownerOf, type State
} from '../../src/kit.js'
import type { PeerjsClient } from './handlers.js'
import { roomOf } from './room.js'
import { encode, errorMessages } from './schema.js'

/** Registers a client by the query of its handshake, as the original does, or tells it why not and closes it. */
export function admit ({ peers }: State, config: Config) {
  function refuse (connection: Connection, msg: string, code: CloseCode = closeCodes.policy): undefined {
    connection.deliver(encode({ type: 'ERROR', payload: { msg } }))
    connection.close(code, msg)
  }

  return (connection: Connection, { query: { id = '', token = '', key = '' } }: Handshake): MaybePromise<PeerjsClient | undefined> => {
    const { subject } = connection.may
    // With auth the token has been checked already. It may have come in a header.
    const hasToken = token !== '' || subject !== undefined
    if (id === '' || !hasToken || key === '') return refuse(connection, errorMessages.incomplete)
    if (!config.PEERJS_KEY.includes(key)) return refuse(connection, errorMessages.wrongKey)
    if (!Value.Check(IdSchema, id)) return refuse(connection, errorMessages.wrongId)
    if (!connection.may.register(id)) {
      connection.deny()
      return
    }
    const owner = ownerOf(connection.may, token)
    const joined = peers.join({
      room: roomOf(key),
      id,
      sink: connection,
      owner,
      grace: graceOf(config, connection, owner),
      replace: true,
      maxMembers: config.PEERJS_CONCURRENT_LIMIT,
      mayExceed: true,
      welcome: () => encode({ type: 'OPEN' }),
      undeliverable: (dst, why) => { connection.deliver(encode({ type: why === 'expired' ? 'EXPIRE' : 'LEAVE', src: dst, dst: id })) }
    })
    return andThen(joined, (joined) => {
      if (joined.outcome === 'joined') {
        return { connection, member: joined.member, origin: originOf(connection), stamp: `,"src":${JSON.stringify(id)}}` }
      }
      if (joined.outcome !== 'taken') return refuse(connection, errorMessages.full, closeCodes.tryAgainLater)
      connection.noteRefusal('id_taken', id)
      connection.deliver(encode({ type: 'ID-TAKEN', payload: { msg: errorMessages.taken } }))
      connection.close(closeCodes.policy, errorMessages.taken)
    })
  }
}
