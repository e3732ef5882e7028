import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { eventually, nodesOn } from '../cluster/nodes.js'
import { film, freeUdpPort, play, source, written } from '../examples/node-camera.js'
import { build, until, urlOf } from '../helper.js'
import { start } from '../process.js'

const run = promisify(execFile)
const version = '1.9.14-cui.46'

/** The program as camera.ui builds it. npm fetches it, since each system has a package of its own. */
async function programOf (t: Test): Promise<string> {
  const cwd = t.testdir()
  const name = `go2rtc-${process.platform}-${process.arch}`
  await run('npm', ['pack', '--silent', `@camera.ui/${name}@${version}`], { cwd })
  await run('tar', ['-xzf', `camera.ui-${name}-${version}.tgz`], { cwd })
  return `${cwd}/package/go2rtc`
}

const program = await programOf(t)
const h264 = 'x264enc tune=zerolatency key-int-max=25 bframes=0 ! video/x-h264,profile=baseline,stream-format=byte-stream'
const pictures = `exec:gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! ${h264} ! fdsink`

/** Starts go2rtc with these settings. Answers where its API is. */
async function go2rtc (t: Test, settings: object): Promise<string> {
  const [port, mediaPort] = [await freePort(), await freePort()]
  // Its peers are on this machine.
  const here = {
    api: { listen: `127.0.0.1:${port}` },
    rtsp: { listen: '' },
    webrtc: { listen: `:${mediaPort}`, ice_servers: [] }
  }
  const child = spawn(program, ['-config', JSON.stringify({ ...here, ...settings })], { stdio: 'ignore' })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const api = `http://127.0.0.1:${port}/api`
  // It listens before it knows all its paths.
  const said = async (): Promise<string> => await fetch(`${api}/stream.mp4`).then(async (answer) => await answer.text(), String)
  await eventually(async () => (await said()).startsWith('stream not found'))
  return api
}

/** A few seconds of pictures, in bytes. */
const enough = 200_000

/** Whether a stream has so much H.264. Answers as soon as it has. */
async function hasPictures (api: string, stream: string): Promise<boolean> {
  const answer = await fetch(`${api}/stream.mp4?src=${stream}`)
  if (!answer.ok) throw new Error(await answer.text())
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body as AsyncIterable<Uint8Array>) {
    parts.push(part)
    length += part.length
    if (length >= enough) return Buffer.concat(parts).includes('avc1')
  }
  return false
}

const trackerOf = (app: FastifyInstance) => `${urlOf(app).replace('http', 'ws')}/t`
const env = { DIALECTS: 'tracker' }

const servers: Record<string, (t: Test) => Promise<readonly FastifyInstance[]>> = {
  'one node': async (t) => [await build(t, env)],
  'two nodes': async (t) => (await nodesOn(t, 2, env)).apps
}

for (const [where, serve] of Object.entries(servers)) {
  t.test(`go2rtc plays what another go2rtc shares, on ${where}`, async (t) => {
    const apps = await serve(t)
    const [here, there] = [apps[0], apps.at(-1)] as [FastifyInstance, FastifyInstance]
    await go2rtc(t, {
      streams: { camera: pictures },
      webtorrent: { trackers: [trackerOf(here)], shares: { 'garden-camera': { pwd: 'a-long-password', src: 'camera' } } }
    })
    const player = await go2rtc(t, {
      streams: { far: 'webtorrent:?share=garden-camera&pwd=a-long-password' },
      webtorrent: { trackers: [trackerOf(there)] }
    })
    await until(() => here.state.size().peers === 1)
    t.ok(await hasPictures(player, 'far'))
  })
}

t.test('go2rtc plays a camera that speaks drone, over WHEP', async (t) => {
  const { port } = await start(t, { DIALECTS: 'drone,whep', BRIDGE: 'whep-drone' })
  const rtpPort = await freeUdpPort()
  play(t, rtpPort, source)
  const camera = film(t, port, { RTP_PORT: String(rtpPort) })
  await written(camera, 'here as cam-1')
  const player = await go2rtc(t, { streams: { far: `webrtc:http://127.0.0.1:${port}/whep/drone:cam-1` } })
  t.ok(await hasPictures(player, 'far'))
  await written(camera, 'has gone, seen by 0')
})
