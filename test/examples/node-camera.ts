import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Env } from '../helper.js'
import { run, type Running } from '../process.js'
import { folder } from './camera-pages.js'

const camera = fileURLToPath(new URL('camera.js', folder))
const readme = readFileSync(new URL('README.md', folder), 'utf8')

/** The command of the README that needs no camera. */
export const source = /^gst-launch-1\.0 videotestsrc[^`]*/m.exec(readme)?.[0] ?? ''

/** Runs a source of pictures until it is ended. */
export function play (t: Test, rtpPort: number, command: string): ChildProcess {
  const child = spawn('sh', ['-c', `exec ${command.replace('port=5004', `port=${rtpPort}`)}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

export async function freeUdpPort (): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address() as AddressInfo
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

/** The camera as a process of its own, at a server. */
export function film (t: Test, port: number, env: Env = {}): Running {
  return run(t, { SERVER: `ws://127.0.0.1:${port}/drone`, ICE_SERVERS: '', ...env }, [], camera)
}

/** Waits until the camera has written something for the so manyth time. */
export async function written ({ child, output, exited }: Running, text: string, times = 1): Promise<void> {
  const ended = exited.then((code) => { throw new Error(`ended with ${code}: ${output.stdout}${output.stderr}`) })
  ended.catch(() => {})
  while (output.stdout.split(text).length <= times) await Promise.race([once(child.stdout as Readable, 'data'), ended])
}
