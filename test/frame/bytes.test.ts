import t from 'tap'
import { Frame, frameOf, payloadOf } from '../../src/frame/bytes.js'

/** What a WebSocket frame of text begins with, by RFC 6455: the length in 7, 16 or 64 bits. */
const headers: Array<[length: number, header: number[]]> = [
  [0, [0x81, 0]],
  [1, [0x81, 1]],
  [125, [0x81, 125]],
  [126, [0x81, 126, 0, 126]],
  [256, [0x81, 126, 1, 0]],
  [65_535, [0x81, 126, 0xff, 0xff]],
  [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  [0x12_34_56, [0x81, 127, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56]]
]

for (const [length, header] of headers) {
  t.test(`a payload of ${length} bytes stands behind a header of ${header.length}`, async (t) => {
    const text = 'x'.repeat(length)
    for (const payload of [text, Buffer.from(text)]) {
      const frame = new Frame('offer', payload)
      t.equal(frame.byteLength, length)
      t.same([...frame.encoded.subarray(0, header.length)], header)
      t.equal(frame.encoded.subarray(header.length).toString(), text)
      t.equal(frame.payload, payload)
    }
    const around = Frame.around('offer', '', Buffer.from(text), 0, length, '')
    t.equal(around.byteLength, length)
    t.same([...around.encoded.subarray(0, header.length)], header)
    t.equal(String(around.payload), text)
  })
}

t.test('text is measured and encoded as UTF-8', async (t) => {
  const text = '"Grüße, 世界 🌍"'
  const frame = new Frame('said', text)
  t.equal(frame.byteLength, Buffer.byteLength(text))
  t.equal(frame.encoded.subarray(2).toString(), text)
})

t.test('a frame is encoded once, whatever the number of sockets', async (t) => {
  const frame = new Frame('said', '{}')
  t.equal(frame.encoded, frame.encoded)
})

t.test('a frame around bytes that came has text before and after a part of them', async (t) => {
  const raw = Buffer.from('{"type":"offer","sdp":"v=0"}')
  const frame = Frame.around('offer', '{"from":"ä",', raw, 1, raw.length - 1, ',"to":"ö"}')
  const expected = '{"from":"ä","type":"offer","sdp":"v=0","to":"ö"}'
  t.equal(String(frame.payload), expected)
  t.equal(frame.byteLength, Buffer.byteLength(expected))
  t.equal(frame.encoded[1], Buffer.byteLength(expected))
  t.equal(frame.encoded.subarray(2).toString(), expected)
  raw.fill(0)
  t.equal(String(frame.payload), expected, 'a copy: the bytes that came may be reused')
})

t.test('text and bytes alone count as other, and a frame of another copy of the package is one', async (t) => {
  for (const payload of ['{}', Buffer.from('{}')]) {
    const frame = frameOf(payload)
    t.equal(frame.type, 'other')
    t.equal(frame.payload, payload)
    t.equal(payloadOf(payload), payload)
  }
  const typed = new Frame('offer', '{}')
  t.equal(frameOf(typed), typed)
  t.equal(payloadOf(typed), '{}')
  const foreign = { type: 'offer', payload: '{}', byteLength: 2, encoded: Buffer.from([0x81, 2, 0x7b, 0x7d]) } as unknown as Frame
  t.equal(frameOf(foreign), foreign)
  t.equal(payloadOf(foreign), '{}')
})
