import { type DataConnection, type MediaConnection, Peer } from 'peerjs'
import { play } from './play.js'
import { Queue } from './queue.js'

interface Where {
  port: number
  path?: string
  key?: string
  token?: string
  config?: RTCConfiguration
  secure?: boolean
}

let peer: Peer
const ids = new Queue<string>()
const failures = new Queue<string>()
const lists = new Queue<string[]>()
const streams = new Queue<MediaStream>()
const closes = new Queue<true>()
const talks = new Map<string, Talk>()

/** What one data connection is to its page: the same word for both ends. */
interface Talk {
  readonly opened: Queue<DataConnection>
  readonly values: Queue<unknown>
  connection?: DataConnection
  isCaller: boolean
}

function talkOf (label: string): Talk {
  const talk = talks.get(label) ?? { opened: new Queue(), values: new Queue(), isCaller: false }
  talks.set(label, talk)
  return talk
}

function use (connection: DataConnection): void {
  const { opened, values } = talkOf(connection.label)
  connection.on('open', () => opened.push(connection))
  connection.on('data', (value) => values.push(value))
}

function watch (call: MediaConnection): void {
  call.on('stream', (stream) => streams.push(stream))
  call.on('close', () => closes.push(true))
}

async function camera (): Promise<MediaStream> {
  return await navigator.mediaDevices.getUserMedia({ video: true, audio: true })
}

/** Connects to the server. Without an id the client asks the server for one. */
export function start (where: Where, id?: string): void {
  const options = { host: '127.0.0.1', config: { iceServers: [] }, ...where }
  peer = id === undefined ? new Peer(options) : new Peer(id, options)
  peer.on('open', (id) => ids.push(id))
  peer.on('error', ({ type }) => failures.push(type))
  peer.on('connection', use)
  peer.on('call', async (call) => {
    watch(call)
    call.on('close', () => callsClosed.push(true))
    call.answer(await camera())
  })
}

/** The id under which the server has let the peer in. */
export async function opened (): Promise<string> {
  return await ids.next('an open peer')
}

/** The type of the peer's next error. */
export async function failed (): Promise<string> {
  return await failures.next('an error')
}

export function isOpen (): boolean {
  return peer.open
}

/** `label` names the data connection at both ends. */
export function connect (id: string, label: string): void {
  talkOf(label).isCaller = true
  use(peer.connect(id, { label }))
}

/** Sends a value over a data connection and answers what comes from its other end. */
export async function exchange (label: string, value: unknown): Promise<unknown> {
  const talk = talkOf(label)
  talk.connection ??= await talk.opened.next(`an open data connection ${label}`)
  if (talk.isCaller) await talk.connection.send(value)
  const heard = await talk.values.next(`a value over ${label}`)
  // Chromium can drop what the called end sends before it has heard anything.
  if (!talk.isCaller) await talk.connection.send(value)
  return heard
}

export function disconnect (): void {
  peer.disconnect()
}

export function reconnect (): void {
  peer.reconnect()
}

export async function listAllPeers (): Promise<string[]> {
  peer.listAllPeers((ids) => lists.push(ids as string[]))
  return await lists.next('the list of peers')
}

export async function call (id: string): Promise<void> {
  watch(peer.call(id, await camera()))
}

let viewing: MediaConnection
const viewsClosed = new Queue<true>()
const callsClosed = new Queue<true>()

/** Waits until the other end of a call has gone. */
export async function watchedClosed (): Promise<boolean> {
  return await closes.next('the end of a call')
}

/** Calls somebody only to see them: PeerJS takes no call without a stream, so it is an empty one. */
export function view (id: string, constraints: object = { offerToReceiveVideo: true, offerToReceiveAudio: true }): void {
  // Not in its types: what `createOffer` takes.
  viewing = peer.call(id, new MediaStream(), { constraints } as object)
  viewing.on('close', () => viewsClosed.push(true))
  watch(viewing)
}

/** Waits until the call of `view` has been closed. */
export async function viewClosed (): Promise<boolean> {
  return await viewsClosed.next('the end of the call')
}

/** Waits until a call of somebody else has been closed. */
export async function callClosed (): Promise<boolean> {
  return await callsClosed.next('the end of a call')
}

export function isViewing (): boolean {
  return viewing.open
}

export function closeView (): void {
  viewing.close()
}

/** What a call without any stream gives. */
export function callWithoutStream (id: string): unknown {
  return peer.call(id, undefined as unknown as MediaStream)
}

/** From now on, errors of the page that nobody catches are only kept. */
export function keepErrors (): void {
  addEventListener('error', (event) => {
    event.preventDefault()
    uncaught.push(event.message)
  })
}

const uncaught = new Queue<string>()

/** The next of them. */
export async function threw (): Promise<string> {
  return await uncaught.next('an error that nobody catches')
}

/** Opens a raw data connection, says so many bytes, and answers what comes back. Then it closes the connection. */
export async function echo (id: string, byte: number): Promise<number[]> {
  const connection = peer.connect(id, { serialization: 'raw', reliable: true })
  const opened = new Queue<true>()
  const values = new Queue<ArrayBuffer>()
  connection.on('open', () => opened.push(true))
  connection.on('data', (value) => values.push(value as ArrayBuffer))
  await opened.next('an open data connection')
  await connection.send(new Uint8Array([byte, 1, 2]).buffer)
  const heard = await values.next('bytes')
  connection.close()
  return [...new Uint8Array(heard)]
}

/** Answers whatever comes over data connections that others open, with the same bytes. */
export function echoAll (): void {
  peer.on('connection', (connection) => connection.on('data', async (value) => await connection.send(value)))
}

/** Plays the stream of the other end until so many pictures of it have been decoded. */
export async function see (pictures = 2): Promise<{ kinds: string[], hasPicture: boolean }> {
  const stream = await streams.next('a stream')
  const video = await play(stream, pictures)
  return { kinds: stream.getTracks().map(({ kind }) => kind).sort(), hasPicture: video.videoWidth > 0 && video.videoHeight > 0 }
}
