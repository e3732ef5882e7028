import type { DialectName } from '../src/config/schema.js'
import { Client, frameOf } from './client.js'

export type { DialectName }

/** How the clients of one server or dialect register, and what they send each other. */
export interface Protocol {
  readonly name: string
  /** Path and query of the client's handshake. */
  readonly path: (id: string) => string
  /** What registers, when the handshake does not. */
  readonly register?: (id: string, group: Group) => object
  /** Whether a frame is the answer to that. */
  readonly isAnswer: (frame: string, id: string, group: Group) => boolean
  readonly signal: (from: string, to: string, payload: object) => object
}

/** Clients that meet: a room, a PSync group; the other dialects have one for all. */
export interface Group {
  readonly name: string
  /** The two of a pair, where that is all there is. */
  readonly members?: readonly string[]
  /** Of a room that has been opened. */
  roomId?: string
}

const peerjsPath = (id: string): string => `/peerjs?key=peerjs&token=token&id=${id}`
const isOpen = (frame: string): boolean => frame.includes('"OPEN"')
const peerjsSignal = (_from: string, to: string, payload: object): object => ({ type: 'OFFER', payload, dst: to })

export const dialects = {
  tom: {
    name: 'tom',
    path: () => '/tom',
    register: (id) => ({ type: 'register', nodeId: id, username: id }),
    isAnswer: (frame, id) => frame.startsWith('{"type":"participants"') && frame.includes(`"${id}"`),
    signal: (from, to, payload) => ({ type: 'signal', from, to, payload })
  },
  psync: {
    name: 'psync',
    path: () => '/psync/ws',
    register: (id, { name }) => ({ type: 'register', source_id: id, payload: { peer_id: id, group_id: name } }),
    isAnswer: (frame) => frame.includes('"peer_list"'),
    signal: (from, to, payload) => ({ type: 'offer', source_id: from, target_id: to, payload })
  },
  rooms: {
    name: 'rooms',
    path: () => '/rooms',
    register: (_id, { roomId }) => roomId === undefined ? { type: 'create' } : { type: 'join', roomId },
    isAnswer (frame, _id, group) {
      group.roomId ??= /"room_created","roomId":"(\d+)"/.exec(frame)?.[1] as string
      return frame.includes('"room_')
    },
    signal: (_from, _to, payload) => ({ type: 'signal', payload })
  },
  peerjs: { name: 'peerjs', path: peerjsPath, isAnswer: isOpen, signal: peerjsSignal },
  drone: {
    name: 'drone',
    path: () => '/drone',
    register: (id) => ({ type: 'register', id }),
    isAnswer: (frame) => frame.includes('"registered"'),
    // One session for all the pair's offers.
    signal: (from, to, payload) => ({ type: 'offer', target: to, sdp: payload, sessionId: `${from}-${to}` })
  }
} satisfies Record<DialectName, Protocol>

/** What the bare servers speak. They are told the pair at once, for the one that does not read what it relays. */
export const bare: Protocol = {
  name: 'bare',
  path: () => '/',
  register: (id, { members = [] }) => ({ type: 'register', id, to: members.find((member) => member !== id) }),
  isAnswer: (frame) => frame.includes('"registered"'),
  signal: (_from, to, payload) => ({ type: 'signal', to, payload })
}

/** npm `peer`. */
export const peer: Protocol = { ...dialects.peerjs, name: 'peer' }

/** Connects a client and registers it, as the first or a later one of its group. */
export async function join (url: string, protocol: Protocol, id: string, group: Group, localAddress?: string): Promise<Client> {
  const client = await Client.connect(url + protocol.path(id), localAddress)
  await registerClient(client, protocol, id, group)
  return client
}

/** @throws when the answer is an error */
export async function registerClient (client: Client, protocol: Protocol, id: string, group: Group): Promise<void> {
  if (protocol.register !== undefined) client.write(frameOf(JSON.stringify(protocol.register(id, group))))
  for (;;) {
    const frame = await client.next()
    if (protocol.isAnswer(frame, id, group)) return
    if (frame.toLowerCase().includes('"error"')) throw new Error(`${protocol.name}: ${frame.slice(0, 200)}`)
  }
}
