import { DroneClient } from '../../../examples/clients/drone.js'
import type { Call } from '../../../examples/clients/call.js'
import { Queue } from './queue.js'

let client: DroneClient
const ready = new Queue<true>()
const ends = new Queue<true>()
let latest: Call | undefined

/** A picture that moves: what a camera without a room to look at sees. */
function movingPicture (): MediaStream {
  const canvas = document.createElement('canvas')
  canvas.width = 320
  canvas.height = 240
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  let at = 0
  setInterval(() => {
    context.fillStyle = `hsl(${at++ % 360} 80% 50%)`
    context.fillRect(0, 0, canvas.width, canvas.height)
  }, 40)
  return canvas.captureStream(25)
}

/**
 * Registers the client of examples/clients. `shows` a picture in every call, its own or not: in a stream, or as a track of `noStream`.
 */
export async function register (url: string, id: string, shows: 'stream' | 'noStream' = 'stream'): Promise<void> {
  client = new DroneClient(url, { id, configuration: { iceServers: [] } })
  client.onready = () => ready.push(true)
  client.onerror = (message) => { throw new Error(message) }
  client.oncall = (call) => {
    latest = call
    call.onend = () => ends.push(true)
    const picture = movingPicture()
    if (shows === 'stream') call.show(picture)
    else for (const track of picture.getTracks()) call.connection.addTrack(track)
  }
  await ready.next('the registration')
}

export function call (id: string): void {
  client.call(id)
}

export async function ended (): Promise<boolean> {
  return await ends.next('the end of the call')
}

/** From now on its answers reject data channels, as those of a device do that speaks no SCTP. */
export function rejectChannels (): void {
  const { socket } = client
  const send = socket.send.bind(socket)
  socket.send = (frame: string) => send(frame.includes('"type":"answer"') ? withoutChannels(frame) : frame)
}

function withoutChannels (text: string): string {
  const frame = JSON.parse(text) as { sdp: string }
  const mid = /m=application[^]*?a=mid:(\S+)/.exec(frame.sdp)?.[1] ?? ''
  const sdp = frame.sdp
    .replace(/m=application \d+/, 'm=application 0')
    .replace(/a=group:BUNDLE .*/, (group) => group.replace(` ${mid}`, ''))
  return JSON.stringify({ ...frame, sdp })
}

export function leave (): void {
  client.socket.close()
}

/** Whether the latest call is connected, and of which m-lines its other end has told. */
export function state (): { connection: string, remote: string[] } {
  const { connectionState = 'new', remoteDescription } = latest?.connection ?? {}
  return { connection: connectionState, remote: remoteDescription?.sdp.match(/^m=.*$/mg) ?? [] }
}
