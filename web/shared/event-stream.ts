/** An event of a server. Its data is JSON. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/**
 * The events of a stream, as they come. An EventSource would do, but for its token: that can only be in the URL.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function * eventsIn (body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const parts = text.split('\n\n')
      text = parts.pop() as string
      for (const part of parts) yield eventOf(part)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function eventOf (part: string): ServerEvent {
  const fields = new Map(part.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]))
  return { event: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? 'null') as unknown }
}
