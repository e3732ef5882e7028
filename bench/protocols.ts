import type { DefaultDialectName } from '../src/settings.js'
import type { ClientDialect, Frame } from '../src/testing/dialect.js'
import { clients, optionalClients } from '../src/testing/clients.js'
import { Client, frameOf } from './client.js'

/** What the clients of one server or dialect write, and how they know that they are registered. */
export interface Protocol extends Omit<ClientDialect, 'candidate' | 'received'> {
  registration (id: string, place?: string, partner?: string): Frame[]
  /** What a pair says before its signals; answers the session that they belong to. */
  begin? (sender: Client, receiver: Client, senderId: string): Promise<string>
}

/** Clients that meet: a room, a PSync group; in the other dialects all clients do. */
export interface Group {
  readonly name: string
  /** The ids of a pair. */
  readonly members?: readonly string[]
  /** The room's code, once it is open. */
  place?: string
}

const { tom, psync, rooms, peerjs, drone } = clients

/** Those that Signalbox speaks by default, in the order of the tables. */
export const dialects = { tom, psync, rooms, peerjs, drone } satisfies Record<DefaultDialectName, Protocol>

const { ayame, topics } = optionalClients

/** Of those that are off by default, the ones that pass signals on from one client to another. */
export const furtherDialects = {
  ayame,
  topics,
  gst: {
    ...optionalClients.gst,
    /** The receiver asks the sender, who is a producer. */
    async begin (sender, receiver, senderId) {
      const say = (frame: Frame) => receiver.write(frameOf(JSON.stringify(frame)))
      const hear = async (client: Client) => JSON.parse(await client.next()) as Frame
      say({ type: 'list' })
      const { producers } = await hear(receiver)
      say({ type: 'startSession', peerId: (producers as Frame[]).find(({ meta }) => (meta as Frame).name === senderId)?.id })
      const { sessionId } = await hear(sender)
      await hear(receiver)
      return String(sessionId)
    }
  }
} satisfies Record<string, Protocol>

/** The bare servers of `bench/servers`. Clients name their partner at once, since one server does not read what it relays. */
export const bare: Protocol = {
  name: 'bare',
  takesNames: true,
  path: () => '/',
  registration: (id, _place, partner) => [{ type: 'register', id, to: partner }],
  welcome: ({ type }) => type === 'registered' ? {} : undefined,
  offer: (_from, to, payload) => ({ type: 'signal', to, payload })
}

/** npm `peer`. */
export const peer: Protocol = { ...peerjs, name: 'peer' }

/** Connects a client and registers it. The first of a group opens its room. */
export async function join (url: string, protocol: Protocol, id: string, group: Group, localAddress?: string): Promise<Client> {
  const client = await Client.connect(url + protocol.path(id), localAddress)
  await register(client, protocol, id, group)
  return client
}

/** @throws when the answer is an error */
async function register (client: Client, protocol: Protocol, id: string, group: Group): Promise<void> {
  const place = protocol.takesNames ? group.name : group.place
  const partner = group.members?.find((member) => member !== id)
  for (const frame of protocol.registration(id, place, partner)) client.write(frameOf(JSON.stringify(frame)))
  for (;;) {
    const text = await client.next()
    const assigned = protocol.welcome(JSON.parse(text) as Frame, id)
    if (assigned?.place !== undefined) group.place ??= assigned.place
    if (assigned !== undefined) return
    if (text.toLowerCase().includes('"error"')) throw new Error(`${protocol.name}: ${text.slice(0, 200)}`)
  }
}
