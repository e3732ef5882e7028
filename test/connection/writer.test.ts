import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setImmediate as nextIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { WriteBatch } from '../../src/connection/write-batch.js'
import { SocketWriter } from '../../src/connection/writer.js'
import { Frame } from '../../src/frame/bytes.js'
import { upgradeBytes } from '../../src/testing/raw.js'

/** A writer and the client that reads it. With extensions, frames go through ws. */
async function pair (t: Test, perMessageDeflate = false) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate })
  const read: string[] = []
  client.on('message', (data) => read.push(String(data)))
  client.on('ping', () => read.push('ping')).on('close', (code) => read.push(`close ${code}`))
  const [socket] = await once(server, 'connection') as [WebSocket]
  await once(client, 'open')
  t.teardown(() => {
    client.terminate()
    server.close()
  })
  const stream = (socket as unknown as { _socket: Socket })._socket
  return { writer: new SocketWriter(socket), client, socket, stream, read }
}

const frameOf = (text: string) => new Frame('said', text)

async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await nextIteration()
}

for (const isCompressed of [false, true]) {
  const where = isCompressed ? ', also where an extension is spoken' : ''
  t.test(`frames are read in the order in which they were written${where}`, async (t) => {
    const { writer, read } = await pair(t, isCompressed)
    const [all, some] = [frameOf('to all'), frameOf('to some')]
    const batch = new WriteBatch()
    writer.write(frameOf('1'), false, batch)
    writer.write(all, true, batch)
    writer.write(some, true, batch)
    writer.write(frameOf('2'), false, batch)
    writer.write(frameOf('3'), false, batch)
    writer.write(all, true, batch)
    batch.end()
    const next = new WriteBatch()
    writer.write(some, true, next)
    next.end()
    await until(() => read.length === 7)
    t.same(read, ['1', 'to all', 'to some', '2', '3', 'to all', 'to some'])
  })
}

t.test('where compression is spoken, frames are compressed', async (t) => {
  const { writer, stream, read } = await pair(t, true)
  writer.write(frameOf('x'.repeat(100_000)), true, new WriteBatch())
  await until(() => read.length === 1)
  t.equal(read[0]?.length, 100_000)
  t.ok(stream.bytesWritten < 10_000, `${stream.bytesWritten} bytes`)
  t.equal(writer.written, 100_000)
})

t.test('broadcast frames that others got in between are not written', async (t) => {
  const [first, second] = [await pair(t), await pair(t)]
  const batch = new WriteBatch()
  const [a, b, c] = [frameOf('a'), frameOf('b'), frameOf('c')]
  for (const [frame, ...writers] of [[a, first.writer, second.writer], [b, second.writer], [c, first.writer, second.writer]] as const) {
    for (const writer of writers) writer.write(frame, true, batch)
  }
  batch.end()
  await until(() => first.read.length === 2 && second.read.length === 3)
  t.same(first.read, ['a', 'c'])
  t.same(second.read, ['a', 'b', 'c'])
})

t.test('a batch of frames is one write to the stream, and nothing is written before its end', async (t) => {
  const { writer, stream, read } = await pair(t)
  const batch = new WriteBatch()
  for (const text of ['a', 'b']) writer.write(frameOf(text), true, batch)
  for (let iteration = 0; iteration < 5; iteration++) await nextIteration()
  t.same(read, [])
  t.equal(stream.writableLength, 0, 'broadcast frames are kept in the batch')
  t.equal(writer.waiting, 6)
  const before = stream.bytesWritten
  batch.end()
  t.equal(stream.bytesWritten - before, 6)
  await until(() => read.length === 2)
  t.equal(writer.waiting, 0)
  t.equal(writer.gone, writer.written)
})

t.test('flush puts broadcast frames in front of a close of ws', async (t) => {
  const { writer, socket, read } = await pair(t)
  const batch = new WriteBatch()
  for (const text of ['a', 'b']) writer.write(frameOf(text), true, batch)
  writer.flush()
  socket.close(4000)
  batch.end()
  await until(() => read.length === 3)
  t.same(read, ['a', 'b', 'close 4000'])
})

t.test('what is held when a socket closes without a flush is not written after the close', async (t) => {
  const { writer, socket, stream, read } = await pair(t)
  const batch = new WriteBatch()
  writer.write(frameOf('late'), true, batch)
  socket.close(4000)
  const before = stream.bytesWritten
  batch.end()
  t.equal(stream.bytesWritten, before)
  await until(() => read.length === 1)
  t.same(read, ['close 4000'])
})

t.test('a ping is an empty ping frame', async (t) => {
  const { writer, read } = await pair(t)
  writer.ping()
  await until(() => read.length === 1)
  t.same(read, ['ping'])
  t.equal(writer.written, 2)
})

/** Fills what the kernel takes, until bytes wait here. */
function fill (writer: SocketWriter, bytes: number): void {
  for (let written = 0; written < 1000 && writer.waiting <= bytes; written++) {
    const batch = new WriteBatch()
    writer.write(frameOf('x'.repeat(100_000)), false, batch)
    batch.end()
  }
}

t.test('a writer is behind when its client does not read, and not for what is only held for the end of the batch', async (t) => {
  const { writer, client } = await pair(t)
  const batch = new WriteBatch()
  for (let frame = 0; frame < 3; frame++) writer.write(frameOf(`${frame}`.repeat(1000)), true, batch)
  t.ok(writer.waiting > 3000)
  t.notOk(writer.isBehind(3000), 'it was written to be sure')
  t.equal(writer.waiting, 0)
  batch.end()
  client.pause()
  fill(writer, 200_000)
  t.ok(writer.isBehind(100_000))
  t.notOk(writer.isBehind(10_000_000))
  const { gone, progress, written } = writer
  t.equal(gone + writer.waiting, written)
  client.resume()
  await until(() => writer.waiting === 0)
  t.ok(writer.progress > progress)
  t.equal(writer.gone, written)
  t.notOk(writer.isBehind(0))
})

t.test('while a list waits for its client, only the newest of each room is held, and written once it has been read', async (t) => {
  const { writer, client, read } = await pair(t)
  client.pause()
  const write = (text: string) => {
    const batch = new WriteBatch()
    writer.writeList('room', frameOf(text), batch)
    batch.end()
  }
  fill(writer, 0)
  const others = writer.waiting
  write('a list')
  t.equal(writer.waiting, others, 'a list counts in no share')
  t.ok(writer.bufferedBytes > others)
  t.ok(writer.isListWaiting)
  writer.holdList('room', () => write('old'))
  writer.holdList('other room', () => write('of the other room'))
  writer.holdList('room', () => write('new'))
  client.resume()
  await until(() => read.at(-1)?.startsWith('of') === true)
  t.same(read.filter((text) => !text.startsWith('x')), ['a list', 'new', 'of the other room'])
  t.notOk(writer.isListWaiting)
})

t.test('a list that is written takes the place of one that was held', async (t) => {
  const { writer, client, read } = await pair(t)
  client.pause()
  fill(writer, 0)
  writer.holdList('room', () => { throw new Error('outdated') })
  const batch = new WriteBatch()
  writer.writeList('room', frameOf('newer'), batch)
  batch.end()
  client.resume()
  await until(() => read.at(-1) === 'newer')
  await nextIteration()
})

t.test('a frame reaches a client that is no WebSocket of ws byte by byte', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const raw = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => {
    raw.destroy()
    server.close()
  })
  raw.write(upgradeBytes('/'))
  const [socket] = await once(server, 'connection') as [WebSocket]
  await once(raw, 'data')
  const writer = new SocketWriter(socket)
  const batch = new WriteBatch()
  writer.write(frameOf('one'), false, batch)
  writer.write(frameOf('two'), true, batch)
  batch.end()
  const [bytes] = await once(raw, 'data') as [Buffer]
  t.same(bytes, Buffer.from([0x81, 3, ...Buffer.from('one'), 0x81, 3, ...Buffer.from('two')]), 'in one packet')
})
