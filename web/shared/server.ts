import type { Info } from '../../routes/info-schema.js'
import { placeAt } from '../../src/dialect/place.js'

export type { Info }
export type DialectInfo = Info['dialects'][number]

/** Where this Signalbox is, as the browser sees it. */
export const place = placeAt(new URL('.', document.baseURI))

/** What the server says of itself. */
export async function info (): Promise<Info> {
  const answer = await fetch('./info')
  if (!answer.ok) throw new Error(`GET ./info was answered with ${answer.status}`)
  return await answer.json() as Info
}
