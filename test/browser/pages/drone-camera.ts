import { DroneClient } from '../../../examples/clients/drone.js'
import type { Call } from '../../../examples/clients/call.js'
import { Queue } from './queue.js'

let client: DroneClient
const ready = new Queue<true>()
const errors = new Queue<string>()
const streams = new Queue<MediaStream>()
const texts = new Queue<string>()
const ends = new Queue<true>()
let latest: Call

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

/** Registers the client of examples/clients. With `shows` it shows a picture in every call, its own or not. */
export async function register (url: string, id: string, shows = true): Promise<void> {
  client = new DroneClient(url, { id, configuration: { iceServers: [] } })
  client.onready = () => ready.push(true)
  client.onerror = (message) => errors.push(message)
  client.oncall = (call) => {
    latest = call
    call.onstream = (stream) => { if (stream !== undefined) streams.push(stream) }
    call.ontext = (text) => texts.push(text)
    call.onend = () => ends.push(true)
    if (shows) call.show(movingPicture())
  }
  await ready.next('the registration')
}

export function call (id: string): void {
  client.call(id)
}

export async function failed (): Promise<string> {
  return await errors.next('an error')
}

export async function ended (): Promise<boolean> {
  return await ends.next('the end of the call')
}

export function leave (): void {
  client.socket.close()
}

/** Whether the latest call is connected, and of which m-lines its other end has told. */
export function state (): { connection: string, remote: string[] } {
  const { connectionState, remoteDescription } = latest.connection
  return { connection: connectionState, remote: remoteDescription?.sdp.match(/^m=.*$/mg) ?? [] }
}
