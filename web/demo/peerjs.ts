import { type DataConnection, type MediaConnection, Peer } from 'peerjs'
import { idFor } from './identity.js'
import type { Heard, Talk, TalkOptions } from './talk.js'

/** The same with the library that people use: npm `peerjs`. */
export function startPeerjs ({ url, meet, token, isBridged, configuration }: TalkOptions, heard: Heard): Talk {
  const { protocol, hostname, port, pathname, searchParams } = new URL(url)
  const secure = protocol === 'wss:'
  let chat: DataConnection | undefined
  let shown: MediaConnection | undefined
  const peer = new Peer(idFor(token), {
    host: hostname,
    port: Number(port) || (secure ? 443 : 80),
    path: pathname.slice(0, pathname.lastIndexOf('/') + 1),
    key: searchParams.get('key') ?? 'peerjs',
    secure,
    config: configuration,
    debug: 0,
    ...(token !== undefined && { token })
  })

  function use (connection: DataConnection): void {
    if (chat?.open) return connection.close()
    chat = connection
    connection.on('open', heard.opened)
    connection.on('data', (data) => heard.text(String(data)))
    connection.on('close', () => { if (chat === connection) heard.ended() })
    heard.call(connection.peerConnection)
  }

  /** Calls a drone to see it. PeerJS makes no call without a stream: an empty one, and these constraints, ask for pictures. */
  function view (id: string): void {
    const constraints = { offerToReceiveVideo: true, offerToReceiveAudio: true }
    const call = peer.call(`drone:${id}`, new MediaStream(), { constraints } as object)
    const { peerConnection } = call
    peerConnection.addEventListener('connectionstatechange', () => { if (peerConnection.connectionState === 'connected') heard.opened() })
    call.on('stream', heard.picture)
    call.on('close', heard.ended)
    heard.call(peerConnection)
  }

  function hide (): void {
    shown?.close()
    shown = undefined
  }

  peer.on('open', (id) => {
    heard.ready(id)
    if (meet !== undefined && isBridged) view(meet)
    else if (meet !== undefined) use(peer.connect(meet, { serialization: 'json', reliable: true }))
  })
  peer.on('connection', use)
  // A call of this library carries pictures in one direction here: each page that shows some makes one.
  peer.on('call', (call) => {
    call.on('stream', heard.picture)
    call.on('close', () => heard.picture(undefined))
    call.answer()
  })
  // What the server refuses has its words; the rest is told by its type.
  peer.on('error', ({ type, message }) => heard.refused(type === 'server-error' ? message : type))
  return {
    say: (text) => { chat?.send(text) },
    show (stream) {
      if (chat !== undefined) shown = peer.call(chat.peer, stream)
    },
    hide,
    close: () => peer.destroy()
  }
}
