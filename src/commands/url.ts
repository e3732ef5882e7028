import { CommandError } from './command.js'

/**
 * The URL of a deployment, without a slash at its end.
 *
 * @throws CommandError for what is none
 */
export function readUrl (text: string, command: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const scheme = url === undefined ? undefined : { 'http:': 'http:', 'https:': 'https:', 'ws:': 'http:', 'wss:': 'https:' }[url.protocol]
  if (url === undefined || scheme === undefined || url.username !== '' || url.search !== '') {
    throw new CommandError(`${command}: expected a URL such as https://example.com/signal, without a query or credentials`)
  }
  return `${scheme}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}
