/** Where a Signalbox is reached, below a prefix or behind a proxy. The path has no slash at its end. */
export interface Place {
  readonly http: string
  readonly ws: string
  readonly hostname: string
  readonly port: number
  readonly path: string
  readonly secure: boolean
}

/** The place at a URL of http or https. */
export function placeAt ({ protocol, host, hostname, port, pathname }: URL): Place {
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

/** The code that connects a client there: a dialect's own, in which `{hostname}` and such stand for parts of the place, or a WebSocket. */
export function clientCode (sample: { readonly url: string, readonly client?: string }, place: Place): string {
  if (sample.client === undefined) return `new WebSocket('${place.ws}${sample.url}')`
  return sample.client.replace(/\{(\w+)\}/g, (whole, name: string) => String(place[name as keyof Place] ?? whole))
}
