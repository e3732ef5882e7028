/** One end of the chosen candidate pair. */
export interface End {
  readonly type: string
  readonly protocol: string
  readonly address: string
}

/** How two pages are connected. */
export interface Path {
  readonly own: End
  readonly other: End
  /** In ms. */
  readonly roundTrip: number | undefined
  /** In bytes. */
  readonly sent: number
  readonly received: number
}

type Report = Record<string, unknown>

/** The candidate pair that a connection has chosen, if it has. */
export async function pathOf (connection: RTCPeerConnection): Promise<Path | undefined> {
  const reports = await connection.getStats() as unknown as ReadonlyMap<string, Report>
  const all = [...reports.values()]
  const transport = all.find(({ type }) => type === 'transport')
  // Not every browser names it in the transport.
  const pair = reports.get(String(transport?.selectedCandidatePairId)) ??
    all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated === true && state === 'succeeded')
  if (pair === undefined) return undefined
  const roundTrip = pair.currentRoundTripTime
  return {
    own: endOf(reports.get(String(pair.localCandidateId))),
    other: endOf(reports.get(String(pair.remoteCandidateId))),
    roundTrip: typeof roundTrip === 'number' ? roundTrip * 1000 : undefined,
    sent: Number(pair.bytesSent ?? 0),
    received: Number(pair.bytesReceived ?? 0)
  }
}

/** A browser hides the addresses of a network from pages that may not use its camera. */
function endOf ({ candidateType, protocol, relayProtocol, address, port }: Report = {}): End {
  const host = address ? (String(address).includes(':') ? `[${String(address)}]` : String(address)) : 'hidden by the browser'
  return {
    type: String(candidateType ?? 'unknown'),
    protocol: [protocol, relayProtocol && `by ${String(relayProtocol)}`].filter(Boolean).join(', '),
    address: port === undefined ? host : `${host}:${String(port)}`
  }
}
