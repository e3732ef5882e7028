import tap from 'tap'
import { type Credential, IceClient, IceError } from '../../src/commands/doctor/ice/client.js'

export type { Credential } from '../../src/commands/doctor/ice/client.js'

export interface Allocation {
  /** The port of the relayed address; undefined when it was refused. */
  readonly relayPort: number | undefined
  /** The code it was refused with. */
  readonly error: number | undefined
}

/** Asks a TURN server on the loopback for an allocation, as a browser does. Each call has its own port. */
export async function allocate (port: number, credential: Credential): Promise<Allocation> {
  const client = await IceClient.open({ scheme: 'turn', transport: 'udp', host: '127.0.0.1', port })
  // Open to the end: coturn refuses a port that had an allocation.
  tap.teardown(async () => await client.close())
  try {
    return { relayPort: (await client.allocate(credential)).port, error: undefined }
  } catch (error) {
    if (!(error instanceof IceError)) throw error
    return { relayPort: undefined, error: error.code }
  }
}
