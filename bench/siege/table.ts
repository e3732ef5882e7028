import type { SiegeReport } from './siege.js'

const share = ({ sent, delivered }: SiegeReport['calm']): string =>
  `${(100 * delivered / sent).toFixed(delivered === sent ? 0 : 3)} % of ${sent}`

/** The report as Markdown. */
export function siegeTable ({ mix, calm, siege, outcomes, bytes, openFiles, rss, cpu, failures }: SiegeReport): string {
  const figures: Array<[string, string, string]> = [
    ['signals delivered', share(calm), share(siege)],
    ['p50, ms', calm.p50.toFixed(1), siege.p50.toFixed(1)],
    ['p99, ms', calm.p99.toFixed(1), siege.p99.toFixed(1)],
    ['newcomers let in', `${calm.welcomed} of ${calm.newcomers}`, `${siege.welcomed} of ${siege.newcomers}`],
    ['p99 until let in, ms', calm.welcomeP99.toFixed(0), siege.welcomeP99.toFixed(0)],
    ['CPU of the server, cores', cpu.calm.toFixed(2), cpu.siege.toFixed(2)],
    ['peak memory of the server (RSS), MiB', rss.calm.toFixed(0), `${rss.peak.toFixed(0)} (limit ${rss.bound.toFixed(0)})`],
    ['peak open files of the server', String(openFiles.calm), `${openFiles.peak} (limit ${openFiles.bound})`],
    ['bytes out per byte in, for attackers', '', amplification({ bytes })]
  ]
  const stopped = (ends: Record<string, number>) => Object
    .entries(ends)
    .sort(([, one], [, other]) => other - one)
    .map(([end, count]) => `${end}: ${count}`)
    .join(', ')
  return [
    `Honest pairs: ${Object.entries(mix).map(([dialect, pairs]) => `${dialect} ${pairs}`).join(', ')}`,
    '',
    markdown(['honest clients', 'alone', 'under siege'], figures),
    '',
    markdown(['attack', 'attempts', 'outcomes'], Object
      .entries(outcomes)
      .map(([name, ends]) => [name, String(Object.values(ends).reduce((sum, count) => sum + count, 0)), stopped(ends)])),
    ...[siege.troubles, calm.troubles].flatMap((troubles) => Object.entries(troubles).map(([what, count]) => `* ${what}: ${count}`)),
    '',
    failures.length === 0 ? 'The server held.' : failures.map((failure) => `FAILED: ${failure}`).join('\n')
  ].join('\n')
}

/** Reports of one attack each as Markdown, one row an attack. */
export function eachTable (reports: readonly SiegeReport[]): string {
  const rows = reports.map(({ calm, siege, outcomes, bytes, openFiles, rss }) => [
    Object.keys(outcomes)[0] ?? '',
    share(siege),
    `${calm.p99.toFixed(1)} → ${siege.p99.toFixed(1)}`,
    `${siege.welcomed} of ${siege.newcomers}`,
    rss.peak.toFixed(0),
    String(openFiles.peak),
    amplification({ bytes })
  ])
  const failed = reports.flatMap(({ outcomes, failures }) =>
    failures.map((failure) => `FAILED: ${Object.keys(outcomes)[0] ?? ''}: ${failure}`))
  return [markdown([
    'attack',
    'signals delivered',
    'p99 alone → under attack, ms',
    'newcomers let in',
    'peak memory, MiB',
    'peak open files',
    'bytes out per byte in'
  ], rows), '', ...failed].join('\n')
}

/** Bytes that the server wrote because of the attackers for each byte that it read from them. */
export function amplification ({ bytes: { read, written } }: Pick<SiegeReport, 'bytes'>): string {
  const amounts = `${megabytes(written)} for ${megabytes(read)}`
  // Below this, the honest clients' own fluctuations are larger.
  return read < leastBytes ? amounts : `${(written / read).toFixed(2)} (${amounts})`
}

const leastBytes = 200_000

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

export function markdown (head: string[], rows: string[][]): string {
  return [head, head.map((_, at) => at === 1 ? '---:' : '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
