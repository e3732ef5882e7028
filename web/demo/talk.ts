import type { Call } from '../../examples/clients/call.js'
import { DroneClient } from '../../examples/clients/drone.js'
import { PsyncClient } from '../../examples/clients/psync.js'
import { RoomsClient } from '../../examples/clients/rooms.js'
import { TomClient } from '../../examples/clients/tom.js'
import { groupFor, idFor } from './identity.js'

/** What this page does with its client, whatever dialect that speaks. */
export interface Talk {
  readonly say: (text: string) => void
  readonly show: (stream: MediaStream) => void
  readonly hide: () => void
  readonly close: () => void
}

/** What the client tells. */
export interface Heard {
  /** The server let us in. Whoever is told `meet` can call us. */
  readonly ready: (meet: string) => void
  /** A call begins, over this connection. */
  readonly call: (connection: RTCPeerConnection) => void
  readonly opened: () => void
  readonly text: (text: string) => void
  readonly picture: (stream: MediaStream | undefined) => void
  readonly ended: () => void
  readonly refused: (message: string) => void
}

export interface TalkOptions {
  /** Of a client of this dialect, as `GET /info` has it, below `ws://host:port`. */
  readonly url: string
  /** Whom or where to meet: an id, a room or a group. */
  readonly meet: string | undefined
  readonly token: string | undefined
  /** Whether the other page speaks another dialect: see bridge.ts. */
  readonly isBridged: boolean
  /** What is shown to whoever calls. */
  readonly own: MediaStream | undefined
  readonly configuration: RTCConfiguration
}

type Client = Pick<RoomsClient, 'onerror' | 'close'> & { oncall: (call: Call, from: string) => void }

const makers: Readonly<Record<string, (options: TalkOptions, heard: Heard) => Client>> = {
  rooms ({ url, meet, ...options }, { ready }) {
    const client = new RoomsClient(url, { ...options, roomId: meet })
    client.onready = ready
    return client
  },
  psync ({ url, meet, ...options }, { ready }) {
    const groupId = meet ?? groupFor(options.token)
    const client = new PsyncClient(url, { ...options, peerId: idFor(options.token), groupId })
    client.onready = () => ready(groupId)
    return client
  },
  drone ({ url, meet, ...options }, { ready }) {
    const id = idFor(options.token)
    const client = new DroneClient(url, { ...options, id })
    client.onready = () => {
      ready(id)
      if (meet !== undefined) client.call(meet)
    }
    return client
  },
  tom ({ url, meet, ...options }, { ready }) {
    const nodeId = idFor(options.token)
    const client = new TomClient(url, { ...options, nodeId, username: nodeId })
    client.onready = () => {
      ready(nodeId)
      if (meet !== undefined) client.call(meet)
    }
    return client
  }
}

/** Whether there is a client for a dialect: not for each of those that are off by default. */
export function hasTalk (dialect: string): boolean {
  return dialect === 'peerjs' || Object.hasOwn(makers, dialect)
}

/** Begins to talk in a dialect: this page meets one other page at a time. */
export async function startTalk (dialect: string, options: TalkOptions, heard: Heard): Promise<Talk> {
  const make = makers[dialect]
  // The library comes only to those who want it.
  if (make === undefined) return (await import('./peerjs.js')).startPeerjs(options, heard)
  let current: Call | undefined
  const client = make(options, heard)
  client.onerror = heard.refused
  client.oncall = (call) => {
    // A third page finds this one busy.
    if (current?.connection.connectionState === 'connected') return call.close()
    current = call
    call.onopen = heard.opened
    call.ontext = heard.text
    call.onstream = heard.picture
    call.onend = () => { if (current === call) heard.ended() }
    if (options.own !== undefined) call.show(options.own)
    heard.call(call.connection)
  }
  return {
    say: (text) => current?.say(text),
    show: (stream) => current?.show(stream),
    hide: () => current?.hide(),
    close: () => client.close()
  }
}
