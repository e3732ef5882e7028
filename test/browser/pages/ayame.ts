import { type Connection, createConnection, defaultOptions } from '@open-ayame/ayame-web-sdk'
import { Queue } from './queue.js'

let connection: Connection
let channel: RTCDataChannel | undefined
let remote: MediaStream | undefined
const opened = new Queue<true>()
const heard = new Queue<string>()
const streams = new Queue<true>()
const news = new Queue<string>()

function use (given: RTCDataChannel): void {
  channel = given
  given.addEventListener('open', () => opened.push(true))
  given.addEventListener('message', ({ data }) => heard.push(String(data)))
  if (given.readyState === 'open') opened.push(true)
}

/** How to enter. */
export interface Entering {
  /** With the picture and sound of fake devices. */
  hasMedia?: boolean
  /** Goes into `authnMetadata`. */
  token?: string
}

/** Enters a room. The second in it calls. */
export async function enter (url: string, room: string, { hasMedia = false, token }: Entering = {}): Promise<void> {
  connection = createConnection(url, room, {
    ...defaultOptions,
    audio: { ...defaultOptions.audio, enabled: hasMedia },
    video: { ...defaultOptions.video, enabled: hasMedia }
  })
  connection.on('open', async () => {
    const made = await connection.createDataChannel('talk', undefined)
    if (made !== null) use(made)
  })
  connection.on('datachannel', use)
  connection.on('addstream', ({ stream }: { stream: MediaStream }) => {
    remote = stream
    streams.push(true)
  })
  connection.on('bye', () => news.push('bye'))
  connection.on('disconnect', ({ reason }: { reason: string }) => news.push(reason))
  const own = hasMedia ? await navigator.mediaDevices.getUserMedia({ audio: true, video: true }) : null
  const metadata = token === undefined ? null : { authnMetadata: token }
  await connection.connect(own, metadata).catch((reason: unknown) => news.push(String(reason)))
}

/** What the other side said over the data channel, once both have said something. */
export async function exchange (text: string): Promise<string> {
  await opened.next('the data channel')
  channel?.send(text)
  return await heard.next('a message')
}

/** The kinds of the other side's tracks, and whether its picture has come. */
export async function see (): Promise<{ kinds: string[], hasPicture: boolean }> {
  await streams.next('a stream')
  const video = document.createElement('video')
  Object.assign(video, { srcObject: remote, muted: true })
  await video.play()
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
  return { kinds: (remote?.getTracks() ?? []).map(({ kind }) => kind).sort(), hasPicture: video.videoWidth > 0 }
}

/** What the signaling has told since: `bye`, or why it ended. */
export async function told (): Promise<string> {
  return await news.next('news of the signaling')
}

export async function leave (): Promise<void> {
  await connection.disconnect()
}
