import { getHeapStatistics } from 'node:v8'
import { totalmem } from 'node:os'
import type { Cluster, Redis } from 'ioredis'
import type { IceServers } from '../../../auth/ice-servers.js'
import { iceServersFor } from '../../../auth/ice-servers.js'
import type { Config } from '../../../config/schema.js'
import { openFilesLimit } from '../../../limits/open-files.js'
import type { Presented } from '../certificate.js'
import type { IceSubject } from '../ice/checks.js'

/** What a process started here would have. */
export interface Machine {
  /** As in `process.version`. */
  readonly node: string
  readonly openFiles: number
  /** In bytes. */
  readonly heap: number
  /** Of the machine, or of the container. In bytes. */
  readonly memory: number
}

/** Beyond any memory: what systems answer where nothing is limited. */
const unlimited = 2 ** 60

/** The machine that this process runs on. */
export function thisMachine (): Machine {
  // The types do not know of systems that have no such limit.
  const constrained = process.constrainedMemory() as number | undefined ?? 0
  return {
    node: process.version,
    openFiles: openFilesLimit(),
    heap: getHeapStatistics().heap_size_limit,
    memory: constrained > 0 && constrained < unlimited ? Math.min(constrained, totalmem()) : totalmem()
  }
}

/** This host, as the settings would start it. Checks add what later ones need. */
export class Host implements IceSubject {
  readonly env: NodeJS.ProcessEnv
  readonly argv: readonly string[]
  readonly machine: Machine
  config: Config | undefined
  /** Set where the certificate can be served. */
  certificate: Presented | undefined
  redis: Redis | Cluster | undefined

  constructor (env: NodeJS.ProcessEnv, argv: readonly string[], machine = thisMachine()) {
    this.env = env
    this.argv = argv
    this.machine = machine
  }

  /** Throws before the settings have been read: checks that need them come after that one. */
  get settings (): Config {
    if (this.config === undefined) throw new Error('the settings have not been read')
    return this.config
  }

  async iceServers (): Promise<IceServers> {
    return iceServersFor('doctor', Infinity, Date.now(), this.settings)
  }

  async close (): Promise<void> {
    this.redis?.disconnect()
  }
}
