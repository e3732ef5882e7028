import { manifest } from '../../../config/manifest.js'
import { spareFiles } from '../../../limits/open-files.js'
import { type Check, failure, ok, warning } from '../check.js'
import type { Host } from './host.js'

const group = 'Machine'

/** What one idle client costs at most, docs/scaling.md says. In bytes. */
const clientBytes = 20_000
/** What the process takes without clients. In bytes. */
const baseBytes = 100_000_000

export const machineChecks: ReadonlyArray<Check<Host>> = [
  {
    group,
    name: 'node',
    run: ({ machine: { node } }) => {
      const [, wanted = '0'] = /([\d.]+)/.exec(manifest.engines?.node ?? '') ?? []
      if (isAtLeast(node.slice(1), wanted)) return ok(`Node ${node}`)
      return failure(`Node ${node} is too old: ${wanted} or newer is needed`, 'nvm install 22    # or https://nodejs.org/en/download')
    }
  },
  {
    group,
    name: 'open files',
    after: 'settings',
    run: ({ machine: { openFiles }, settings: { MAX_CLIENTS } }) => {
      const needed = MAX_CLIENTS + spareFiles
      if (openFiles >= needed) return ok(`${openFiles === Infinity ? 'unlimited' : openFiles}, for ${MAX_CLIENTS} clients`)
      const fix = `ulimit -n ${needed}    # in a shell\nLimitNOFILE=${needed}    # in a systemd unit\n` +
        `--ulimit nofile=${needed}    # of docker run`
      return warning(`the process may open ${openFiles} files, and MAX_CLIENTS is ${MAX_CLIENTS}: connections past ` +
        `${Math.max(1, openFiles - spareFiles)} are refused`, fix)
    }
  },
  {
    group,
    name: 'memory',
    after: 'settings',
    run: ({ machine: { memory, heap }, settings: { MAX_CLIENTS } }) => {
      const needed = baseBytes + MAX_CLIENTS * clientBytes
      const fits = Math.max(1, Math.floor((Math.min(memory, heap) - baseBytes) / clientBytes))
      const lower = `MAX_CLIENTS=${fits}`
      if (memory < needed) {
        return warning(`${MAX_CLIENTS} clients (MAX_CLIENTS) may need ${inMiB(needed)}, and there are ${inMiB(memory)}`,
          `${lower}    # or give it more memory`)
      }
      if (heap < needed) {
        return warning(`${MAX_CLIENTS} clients (MAX_CLIENTS) may need ${inMiB(needed)}, and Node’s heap may have ${inMiB(heap)}`,
          `NODE_OPTIONS=--max-old-space-size=${Math.ceil(needed / 2 ** 20)}    # or ${lower}`)
      }
      return ok(`${inMiB(memory)}, of which ${MAX_CLIENTS} clients may need ${inMiB(needed)}`)
    }
  }
]

function inMiB (bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}

/** Whether a version such as `20.19.0` is another one or later. */
export function isAtLeast (version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (const [at, part] of want.entries()) {
    const difference = (have[at] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return true
}
