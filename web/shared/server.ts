import type { Info } from '../../routes/info-schema.js'

export type { Info }
export type DialectInfo = Info['dialects'][number]

/** Where this Signalbox is, as the browser sees it: below a proxy's prefix, behind its TLS. Its path has no slash at the end. */
export interface Place {
  readonly http: string
  readonly ws: string
  readonly hostname: string
  readonly port: number
  readonly path: string
  readonly secure: boolean
}

/** The place of a server, one of whose pages has this address. */
export function placeOf (page: string): Place {
  const { protocol, host, hostname, port, pathname } = new URL('.', page)
  const secure = protocol === 'https:'
  const path = pathname.replace(/\/$/, '')
  return {
    http: `${protocol}//${host}${path}`,
    ws: `${secure ? 'wss' : 'ws'}://${host}${path}`,
    hostname,
    port: Number(port) || (secure ? 443 : 80),
    path,
    secure
  }
}

/** The code of `sampleClient` for a server in this place. */
export function clientCode (template: string, place: Place): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(place[name as keyof Place] ?? whole))
}

/** What the server says of itself. */
export async function info (): Promise<Info> {
  const answer = await fetch('./info')
  if (!answer.ok) throw new Error(`GET ./info was answered with ${answer.status}`)
  return await answer.json() as Info
}
