import { readFileSync } from 'node:fs'
import { rounded } from './figures.js'
import { markdown } from './table.js'

/** The parts of Chrome's CPU profile format that are used here. */
interface Profile {
  readonly nodes: ReadonlyArray<{ readonly id: number, readonly callFrame: { readonly functionName: string, readonly url: string } }>
  /** The node that was running. */
  readonly samples: readonly number[]
  /** How long it ran, in µs. */
  readonly timeDeltas: readonly number[]
}

/** The owners of code, in the order of the table. */
const owners = [
  'writes', 'kernel and native code', 'garbage collection', 'Node', '`ws`', 'Fastify and its plugins', 'pino', 'the server itself', 'others'
] as const
type Owner = typeof owners[number]

/** Writes to sockets and to the log. They have the same names, and callers are not told apart. */
const writes = new Set(['writev', 'writeBuffer', 'writeUtf8String', 'writeLatin1String', 'writeAsciiString'])

const packages: ReadonlyArray<readonly [RegExp, Owner]> = [
  [/^node:/, 'Node'],
  [/\/node_modules\/ws\//, '`ws`'],
  [
    /\/node_modules\/(@fastify\/|fastify|find-my-way|light-my-request|secure-json-parse|avvio|toad-cache|proxy-addr|forwarded|ipaddr)/,
    'Fastify and its plugins'
  ],
  [/\/node_modules\/(pino|sonic-boom|quick-format-unescaped|on-exit-leak-free)/, 'pino'],
  [/\/node_modules\//, 'others'],
  [/\/(dist|bench\/servers)\//, 'the server itself']
]

/** Markdown with a row for each profile: whose code ran while the process was busy, in %. */
export function profilesTable (files: readonly string[]): string {
  const body = files.map((file, at) => {
    const shares = sharesOf(JSON.parse(readFileSync(file, 'utf8')) as Profile)
    return [String(at + 1), ...owners.map((owner) => rounded(100 * (shares.get(owner) ?? 0)))]
  })
  return markdown([['server', ...owners], ...body])
}

function sharesOf ({ nodes, samples, timeDeltas }: Profile): Map<Owner, number> {
  const ownerOf = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => [id, owning(functionName, url)]))
  const spent = new Map<Owner, number>()
  let all = 0
  for (const [at, id] of samples.entries()) {
    const owner = ownerOf.get(id)
    const time = timeDeltas[at] ?? 0
    if (owner === undefined) continue
    spent.set(owner, (spent.get(owner) ?? 0) + time)
    all += time
  }
  return new Map([...spent].map(([owner, time]) => [owner, time / all]))
}

/** Undefined while the process was idle. */
function owning (functionName: string, url: string): Owner | undefined {
  if (functionName === '(idle)') return undefined
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (url === '') return writes.has(functionName) ? 'writes' : 'kernel and native code'
  return packages.find(([pattern]) => pattern.test(url))?.[1] ?? 'others'
}
