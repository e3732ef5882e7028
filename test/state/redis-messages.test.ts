import fc from 'fast-check'
import t from 'tap'
import { headOf, type LetterHead, letterOf, type NodeMessage, readMember, readMessages } from '../../src/state/redis/messages.js'
import { Frame } from '../../src/frame/bytes.js'

const name = fc.string({ unit: 'binary' })
const frame = fc.string({ unit: 'binary' })

function read (bytes: Buffer): { messages: NodeMessage[], skipped: number } {
  const messages: NodeMessage[] = []
  let skipped = 0
  readMessages(bytes, (message) => { messages.push(message) }, () => { skipped++ })
  return { messages, skipped }
}

const bytesOf = (head: LetterHead, body: string, type = '') => Buffer.from(headOf(head, type, Buffer.byteLength(body)) + body)

/** A message with its frame as text. */
const plain = (message: NodeMessage) => 'frame' in message
  ? { ...message, frame: { type: message.frame.type, text: String(message.frame.payload) } }
  : message

t.test('letters come out as they went in, whatever their names and bodies hold', async (t) => {
  const letter = fc.record({ room: name, to: name, from: name, type: name, frame })
  fc.assert(fc.property(fc.array(letter, { minLength: 1 }), frame, (letters, last) => {
    const all = [
      ...letters.map(({ room, to, from, type, frame }) => bytesOf(['frame', room, to, from], frame, type)),
      letterOf(['signal', 'r', 'b\nc 1 2', 'p d e'], new Frame('offer', last))
    ]
    const { messages, skipped } = read(Buffer.concat(all))
    t.equal(skipped, 0)
    t.same(messages.map(plain), [
      ...letters.map(({ room, to, from, type, frame }) => ({ kind: 'frame', room, to, from, frame: { type, text: frame } })),
      { kind: 'all', room: 'r', except: 'b\nc 1 2', process: 'p', from: 'd e', isSignal: true, frame: { type: 'offer', text: last } }
    ])
  }))
})

t.test('names that are no Unicode neither break a letter nor the one behind it', async (t) => {
  const letters = [bytesOf(['frame', 'a\ud83d', '\ude00', '\ud83d'], '\ude00'), bytesOf(['lost', 'r', 't', 'f'], '')]
  const { messages, skipped } = read(Buffer.concat(letters))
  t.equal(skipped, 0)
  t.match(messages, [{ kind: 'frame', room: 'a\ufffd', to: '\ufffd' }, { kind: 'lost', room: 'r', to: 't', from: 'f' }])
})

t.test('a letter that a newer node writes is skipped, and what is around it is not', async (t) => {
  const known = bytesOf(['frame', 'r', 't', 'f'], 'frame')
  for (const newer of ['greet 1 1 1 0 2\nr\nt\nf\n\nhi', 'frame 1 1\nr\nt', 'disconnect 1 1 1 0 2\nr\nt\nf\n\n{}']) {
    const { messages, skipped } = read(Buffer.concat([known, Buffer.from(newer), known]))
    t.equal(skipped, 1, newer)
    t.equal(messages.length, 2, newer)
  }
  const { messages } = read(Buffer.from('frame 1 1 1 0 2 3\nr\nt\nf\n\nhi\nnew'))
  t.match(messages, [{ kind: 'frame', to: 't' }], 'one with further parts is understood as far as we know it')
  t.match(messages.map(plain), [{ frame: { text: 'hi' } }])
})

t.test('events are understood with all their parts, and skipped with fewer or others', async (t) => {
  const good: string[][] = [
    ['probe', 'token', 'channel'],
    ['found', 'room', 'id', 'batch'],
    ['close', 'room', 'id', 'epoch', '4000'],
    ['left', '7', 'room', 'id', 'epoch'],
    ['joined', '7', 'room', 'id', 'epoch', '1.5', '2', '{"username":"A"}'],
    ['seen', 'room', 'id', 'epoch', '3']
  ]
  for (const parts of good) {
    t.match(read(Buffer.from(JSON.stringify(parts))), { messages: [{ kind: parts[0] }], skipped: 0 })
    for (let count = 0; count < parts.length; count++) {
      if (parts[0] === 'seen' && count === 2) continue
      t.match(read(Buffer.from(JSON.stringify(parts.slice(0, count)))), { messages: [], skipped: 1 }, JSON.stringify(parts.slice(0, count)))
      t.match(read(Buffer.from(JSON.stringify(parts.with(count, null as unknown as string)))), { messages: [], skipped: 1 })
    }
  }
  for (const bad of [
    ['close', 'room', 'id', 'epoch', '99'],
    ['joined', 'x', 'room', 'id', 'epoch', '1', '2', '{}'],
    ['joined', '7', 'room', 'id', 'epoch', '1', '2', '{'],
    ['joined', '7', 'room', 'id', 'epoch', '1', '2', '{"a":1}'],
    ['__proto__', 'a', 'b'],
    ['constructor', 'a', 'b']
  ]) {
    t.match(read(Buffer.from(JSON.stringify(bad))), { messages: [], skipped: 1 }, JSON.stringify(bad))
  }
})

t.test('no bytes at all make it throw, and all of them end', async (t) => {
  const piece = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.tuple(
      fc.constantFrom('frame', 'all', 'signal', 'lost', 'disconnect', 'x', ''),
      fc.array(fc.oneof(fc.nat(), fc.constantFrom('-', '', '1e9', '99999999999999999999', '-1')), { maxLength: 8 }),
      fc.string()
    ).map(([kind, lengths, rest]) => Buffer.from(`${kind} ${lengths.join(' ')}\n${rest}`))
  )
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const { messages, skipped } = read(Buffer.concat(pieces))
    t.ok(messages.length + skipped > 0)
  }), { numRuns: 2_000 })
})

t.test('a frame that is no text is not handed on', async (t) => {
  t.match(read(Buffer.concat([Buffer.from(headOf(['frame', 'r', 't', 'f'], '')), Buffer.from([0xff])])), { messages: [], skipped: 1 })
})

t.test('a value that no member has is none', async (t) => {
  t.match(
    readMember('a', 'node\nepoch\nnull\n3\n1.5\n2\n0\nnull\nearlier\n{"username":"A"}'),
    { id: 'a', registrationId: 'epoch', presence: 'earlier', place: 1.5, seenAt: 2, info: { username: 'A' } }
  )
  for (const value of [
    '',
    'x',
    'node\nepoch\nnull\n1\n1\n2',
    'node\nepoch\nnull\n1\nx\n2\n0\nnull\nepoch\n{}',
    'node\nepoch\nnull\n1\n1\n2\n0\nnull\nepoch\n[]',
    'node\nepoch\nnull\n1\n1\n2\n0\nnull\nepoch\n{"a":{}}'
  ]) t.equal(readMember('a', value), undefined, JSON.stringify(value))
})
