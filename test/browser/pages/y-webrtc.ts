import { WebrtcProvider } from 'y-webrtc'
import * as Y from 'yjs'
import { Queue } from './queue.js'

const doc = new Y.Doc()
const text = doc.getText('notes')
const states = new Queue<string>()

/** Shares this page's replica in a room. */
export function share (url: string, room: string, password?: string): void {
  const provider = new WebrtcProvider(room, doc, {
    signaling: [url],
    peerOpts: { config: { iceServers: [] } },
    ...(password !== undefined && { password })
  })
  provider.on('peers', ({ bcPeers }) => {
    if (bcPeers.length > 0) throw new Error('connected without the signaling')
  })
  doc.on('update', () => states.push(text.toString()))
}

/** Adds a line to this page's replica. */
export function write (line: string): void {
  text.insert(text.length, `${line}\n`)
}

/** This page's replica once it has so many lines. */
export async function linesOf (count: number): Promise<string[]> {
  let lines: string[] = []
  while (lines.length < count) lines = (await states.next(`line ${lines.length + 1} of the document`)).split('\n').slice(0, -1)
  return lines
}
