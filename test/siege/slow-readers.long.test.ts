import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { connect, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { upgradeBytes } from '../../src/testing/raw.js'

const readers = 200
const maxBuffered = 65_536
const frameBytes = 65_536
/** Memory beyond the buffered frames: garbage of the frames that were relayed. In bytes. */
const slack = 100 * 2 ** 20

/** A peer that reads OPEN, and nothing from then on. */
async function deaf (t: Test, port: number, id: string): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1' }).on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write(upgradeBytes(`/peerjs?key=peerjs&id=${id}&token=t`))
  for (let read = ''; !read.includes('OPEN');) read += String((await once(socket, 'data'))[0])
  socket.pause()
  return socket
}

/** In bytes. */
function memoryOf (pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

t.test('200 clients that do not read are cut with 4100, each, and memory stays bounded', { timeout: 60_000 }, async (t) => {
  const { child, port } = await start(t, {
    CONNECT_RATE: '1000000',
    MESSAGE_RATE: '1000000',
    MESSAGE_BURST: '1000000',
    MAX_BUFFERED: String(maxBuffered),
    PEERJS_EXPIRE_TIMEOUT: '500'
  })
  const pid = child.pid as number
  for (let at = 0; at < readers; at += 50) {
    await Promise.all(Array.from({ length: 50 }, async (_, n) => await deaf(t, port, `deaf${at + n}`)))
  }
  const sender = await connect(t, port, '/peerjs?key=peerjs&id=sender&token=t')
  await sender.nextOf('OPEN')
  const before = memoryOf(pid, 'VmRSS')

  // The sender hears of each: LEAVE for the signal that was too much.
  const gone = new Set<unknown>()
  const payload = 'x'.repeat(frameBytes)
  while (gone.size < readers) {
    for (let at = 0; at < readers; at++) {
      if (!gone.has(`deaf${at}`)) sender.send({ type: 'OFFER', dst: `deaf${at}`, payload })
      // In small groups, so that this process does not buffer everything.
      if (at % 50 !== 49) continue
      sender.send({ type: 'OFFER', dst: 'sender', payload: 'all handled' })
      for (let frame = await sender.next(); frame.type !== 'OFFER'; frame = await sender.next()) {
        gone.add(frame.src)
      }
    }
  }
  const closes = async (): Promise<number> => {
    const metrics = await (await fetch(`${urlOf(port)}/metrics`)).text()
    return metrics
      .split('\n')
      .filter((line) => /^signalbox_closes_total\{.*code="4100"/.test(line))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  await until(async () => await closes() === readers)
  const grown = memoryOf(pid, 'VmHWM') - before
  const bound = readers * (maxBuffered + frameBytes) + slack
  t.ok(grown <= bound, `grown by ${Math.round(grown / 2 ** 20)} MiB, at most ${Math.round(bound / 2 ** 20)}`)
})
