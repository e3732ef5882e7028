import fc, { type Arbitrary } from 'fast-check'
import type { Frame } from '../helper.js'
import type { Shot } from './volley.js'

const text = (data: string): Shot => ({ data: Buffer.from(data), binary: false })

/** Values that have broken servers before. */
const nasty: Arbitrary<unknown> = fc.constantFrom<unknown>(
  '', ' ', '\0', 'x'.repeat(256), 'x'.repeat(257), '__proto__', 'constructor', 'toString', '\ud800', '😀',
  null, true, false, 0, -0, -1, 1e308, 2 ** 53, 0.1, [], {}, [[]], { __proto__: null }, { length: 1 }
)

const value: Arbitrary<unknown> = fc.oneof(nasty, fc.jsonValue({ maxDepth: 4 }))

/** Any JSON value. */
export const anyJson: Arbitrary<Shot> = fc.oneof(
  fc.json({ maxDepth: 6 }).map(text),
  fc.dictionary(fc.oneof(fc.constant('type'), fc.string({ unit: 'binary' })), value).map((frame) => text(JSON.stringify(frame)))
)

/** Any bytes, as binary or as text, which may not be UTF-8. */
export const anyBytes: Arbitrary<Shot> = fc.oneof(
  fc.record({ data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)), binary: fc.boolean() }),
  fc.string({ unit: 'binary', maxLength: 300 }).map(text)
)

/** Valid frames with a field dropped, added, renamed or given another value, or with a byte changed or the end cut off. */
export function mutated (samples: readonly Frame[]): Arbitrary<Shot> {
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample)))]
  const name = fc.oneof(fc.constantFrom(...names), fc.constantFrom('__proto__', 'constructor', 'extra'))
  const change = fc.oneof(
    name.map((name) => (frame: Frame) => { Reflect.deleteProperty(frame, name) }),
    fc.tuple(name, value).map(([name, value]) => (frame: Frame) => put(frame, name, value)),
    fc.tuple(name, name).map(([from, to]) => (frame: Frame) => {
      put(frame, to, frame[from])
      Reflect.deleteProperty(frame, from)
    })
  )
  const reshaped = fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 3 })).map(([sample, changes]) => {
    const frame = structuredClone(sample)
    for (const change of changes) change(frame)
    return Buffer.from(JSON.stringify(frame))
  })
  const damaged = fc.tuple(fc.constantFrom(...samples), fc.nat(), fc.nat(255), fc.boolean()).map(([sample, at, byte, cuts]) => {
    const data = Buffer.from(JSON.stringify(sample))
    if (cuts) return data.subarray(0, at % data.length)
    data[at % data.length] = byte
    return data
  })
  return fc.record({ data: fc.oneof({ arbitrary: reshaped, weight: 3 }, damaged), binary: fc.boolean() })
}

/** Sets an own property, also where assigning would change the prototype. */
function put (frame: Frame, name: string, value: unknown): void {
  Object.defineProperty(frame, name, { value, enumerable: true, configurable: true, writable: true })
}
