import { Type } from '@sinclair/typebox'

export const ReadyStatus = Type.Union([Type.Literal('ready'), Type.Literal('draining'), Type.Literal('no redis')])

/** The body of a process's memory, in bytes, as `process.memoryUsage()` tells it. */
export const MemoryBody = Type.Object({
  rss: Type.Integer(),
  heapTotal: Type.Integer(),
  heapUsed: Type.Integer(),
  external: Type.Integer()
}, { description: 'Bytes' })
