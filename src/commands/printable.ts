/** What would control a terminal, or turn its text around. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A text of others, as a terminal may get it: on one line, and without what would control it. */
export function printable (text: string): string {
  return text.replace(unprintable, '�')
}

/** The same for several lines. */
export function printableLines (text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** JSON on one line. What would control a terminal is escaped, so nothing of it is lost. */
export function printableJson (value: unknown): string {
  return JSON.stringify(value).replace(unprintable, (text) =>
    Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''))
}
