/** What an event may have at most. In characters. */
const maxLength = 4_194_304

/** An event of a server. Its data is JSON. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/**
 * Reads server-sent events, those of Signalbox, each with one line of data: answers the events that a part of the stream completes. An
 * EventSource would do, but for its token, which can only be in the URL.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventReader (): (part: Uint8Array) => ServerEvent[] {
  const decoder = new TextDecoder()
  let text = ''
  return (part) => {
    const events = (text + decoder.decode(part, { stream: true })).split('\n\n')
    text = events.pop() ?? ''
    if (text.length > maxLength) throw new Error('an event is too long')
    return events.map(eventOf)
  }
}

function eventOf (lines: string): ServerEvent {
  const fields = new Map(lines.split('\n').map((line) => {
    const end = line.indexOf(':')
    return [line.slice(0, end), line.slice(end + 1).trim()]
  }))
  return { event: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? 'null') as unknown }
}
