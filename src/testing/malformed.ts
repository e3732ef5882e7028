import type { Frame } from './dialect.js'
import { completed, type Subject } from './subject.js'

/** What is wrong with it, what to send (an object as JSON), and the error that answers it, if any does. */
export type Malformed = [kind: string, data: unknown, error: Frame | undefined]

/** Levels; within `MAX_PAYLOAD` also when each takes six bytes. */
const deep = 40_000
const long = 'x'.repeat(257)

/** Frames that fit no dialect, and what a subject answers to each. */
export function malformed (subject: Subject): Malformed[] {
  const { notJson, untyped, unknown } = completed(subject).errors
  const notObjects: Malformed[] = [
    ['text that is not JSON', 'hello', notJson],
    ['half a frame', '{"type":', notJson],
    ['a frame and something after it', '{"type":"ping"}}', notJson],
    ['an empty frame', '', notJson],
    ['an empty binary frame', Buffer.alloc(0), notJson],
    ['a NUL', '\0', notJson],
    ['binary that is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), notJson],
    ['UTF-8 broken within a string', Buffer.concat([Buffer.from('{"type":"a'), Buffer.from([0xc3]), Buffer.from('"}')]), notJson],
    ['null', 'null', notJson],
    ['a boolean', 'true', notJson],
    ['a number', '7', notJson],
    ['a string', '"ping"', notJson],
    ['an empty array', '[]', notJson],
    ['a frame within an array', '[{"type":"ping"}]', notJson],
    ['deeply nested arrays', '['.repeat(deep) + ']'.repeat(deep), notJson]
  ]
  const mistyped: Malformed[] = [
    ['no type', {}, untyped(undefined)],
    ['a type only in the prototype', '{"__proto__":{"type":"ping"}}', untyped(undefined)],
    ['a numeric type', { type: 7 }, untyped(7)],
    ['a null type', { type: null }, untyped(null)],
    ['an object as type', { type: { toString: 'ping' } }, untyped('[object]')],
    ['an empty type', { type: '' }, unknown('')],
    ['deeply nested objects', `{"type":"deep","a":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`, notJson],
    ['a type quoted in part', { type: long }, unknown(long.slice(0, 128))],
    ['a type cut within a character', { type: `x${'😀'.repeat(100)}` }, unknown(`x${'😀'.repeat(100)}`.slice(0, 128))],
    ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']
      .map((type): Malformed => [`the type ${type}`, `{"type":"${type}"}`, unknown(type)])
  ]
  return [...notObjects, ...mistyped]
}

/** Frames of a type that a subject knows but that do not fit it, and what it answers to a peer that sends them. */
export function misfits (subject: Subject, id: string): Malformed[] {
  return completed(subject).misfits(id, long, 'a\u0007b').map(([frame, error]) => [JSON.stringify(frame).slice(0, 60), frame, error])
}
