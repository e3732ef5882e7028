import type { Static } from '@sinclair/typebox'
import {
  andThen, type BridgeEntrance, Cohorts, type Config, type Frame, type Handlers, type MaybePromise, passedOn, type Peer, type PlainForm,
  type Received, register, type RegisteringClient, type State
} from '../../src/kit.js'
import { news, peerList } from './presence.js'
import { roomOf } from './room.js'
import { type frames, encode, errorMessages } from './schema.js'

type Registration = Static<typeof frames.register>
type Signal = Static<typeof frames.offer | typeof frames.answer | typeof frames.candidate>

export function psyncHandlers (
  state: State,
  config: Config,
  bridge: BridgeEntrance | undefined
): Handlers<typeof frames, RegisteringClient> {
  const { relay } = state
  const cohorts = new Cohorts()

  /** True if a frame names another sender. A frame without a sender is not forged. */
  function isForged (source: unknown, id: string): boolean {
    return config.STRICT_IDENTITY && isNamed(source) && source !== id
  }

  function signal ({ connection, member }: RegisteringClient, frame: Signal, received: Received): MaybePromise<unknown> {
    const { source_id: source, target_id: to } = frame
    if (member === undefined) return connection.refuse(errorMessages.notRegistered)
    if (isForged(source, member.id)) return connection.refuse(errorMessages.forged)
    const passed = bridge?.send(connection, member, to, frame) ?? false
    if (passed !== false) return passed
    return andThen(relay.send(member.room, to, forwarded(frame, received, member.id), member.id), (sent) => {
      if (sent !== 'sent') connection.refuse(errorMessages.absent, to)
    })
  }

  function join (client: RegisteringClient, { source_id: source, payload }: Registration): MaybePromise<void> {
    const { peer_id: id, group_id: group } = payload
    if (isForged(source, id)) return client.connection.refuse(errorMessages.forged)
    if (!client.connection.may.enterGroup(group)) return client.connection.deny()
    const room = roomOf(group)
    const earlier = client.member
    let others = 0
    let listBytes = 0
    const welcome = (members: readonly Peer[]) => {
      const list = peerList(room, members)
      others = members.length
      listBytes = list.byteLength
      return list
    }
    const undeliverable = (to: string) => client.connection.refuse(errorMessages.absent, to)
    const registered = register(state, config, client, { room, id, welcome, taken: errorMessages.taken, undeliverable })
    return andThen(registered, () => {
      const { connection, member } = client
      if (member === undefined || member === earlier) return
      // The others hear of the join, and with PSYNC_PEER_LEFT of an earlier registration's end.
      const told = config.PSYNC_PEER_LEFT && earlier !== undefined ? 2 : 1
      connection.charge(listBytes)
      connection.charge(news('peer_joined', room, member).byteLength, told * others)
    })
  }

  return {
    register: (client, frame) => andThen(cohorts.enter(), () => join(client, frame)),
    offer: signal,
    answer: signal,
    candidate: signal,
    heartbeat () {}
  }
}

/** How clients write a signal. */
const plainForm: PlainForm = { first: ['type', 'source_id', 'target_id'], next: 'payload', members: 4 }

/** The signal as its receiver gets it: with a sender, and nothing but the four members. */
function forwarded (frame: Signal, received: Received, sender: string): Frame {
  const { source_id: source } = frame
  if (typeof source !== 'string' || source === '') return composed(frame, sender)
  return passedOn(received, frame, plainForm) ?? composed(frame, sender)
}

/** The slow path to the same frame. */
function composed ({ type, source_id: source, target_id: to, payload = null }: Signal, sender: string): Frame {
  return encode({ type, source_id: typeof source === 'string' && source !== '' ? source : sender, target_id: to, payload })
}

function isNamed (source: unknown): boolean {
  return source !== undefined && source !== null && source !== ''
}
