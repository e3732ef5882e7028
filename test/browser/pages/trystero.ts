import type { MessageAction, Room } from '@trystero-p2p/core'
import { Queue } from './queue.js'
import { joinRoom } from './ws-relay.js'

let room: Room
let talk: MessageAction<string>
const joined = new Queue<string>()
const left = new Queue<string>()
const heard = new Queue<string>()

/** Enters a room through the relay at a URL. */
export function enter (url: string, name: string): void {
  room = joinRoom({ appId: 'signalbox', relayConfig: { urls: [url] }, rtcConfig: { iceServers: [] } }, name)
  room.onPeerJoin = (id) => joined.push(id)
  room.onPeerLeave = (id) => left.push(id)
  talk = room.makeAction<string>('talk', { onMessage: (text) => heard.push(text) })
}

/** What the other peer said, once both have met. */
export async function exchange (text: string): Promise<string> {
  await joined.next('another peer')
  await talk.send(text)
  return await heard.next('a message')
}

export async function leave (): Promise<void> {
  await room.leave()
}

/** Once the other peer has left. */
export async function hearLeave (): Promise<void> {
  await left.next('the leave')
}
