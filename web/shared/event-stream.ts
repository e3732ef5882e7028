import { eventReader, type ServerEvent } from '../../src/net/event-stream.js'

/** The events of a stream, as they come. */
export async function * eventsIn (body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const [reader, read] = [body.getReader(), eventReader()]
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      yield * read(value)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
