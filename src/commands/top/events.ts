/** What an event may have at most. In characters. */
const maxLength = 4_194_304

/** An event of a server. Its data is JSON. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/**
 * The server-sent events of a body, as they come: those of Signalbox, each with one line of data.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function * eventsIn (body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of body) {
    text += decoder.decode(part, { stream: true })
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    if (text.length > maxLength) throw new Error('an event is too long')
    for (const event of events) {
      const fields = new Map(event.split('\n').map((line) => {
        const end = line.indexOf(':')
        return [line.slice(0, end), line.slice(end + 1).trim()]
      }))
      yield { event: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? 'null') }
    }
  }
}
