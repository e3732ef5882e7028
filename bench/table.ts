import { holds, ratioOf, type Result, type Row, valuesOf } from './bench.js'
import { median, rounded } from './figures.js'

/** The names of the figures that tell how busy the cores of server and load were, in %. */
export const serverShare = 'server, %'
export const loadShare = 'load, %'

/** A result as Markdown tables: medians, ratios and goals. */
export function table (result: Result): string {
  const { figure, rows } = result
  const others = Object.keys(rows[0]?.rounds[0] ?? {}).filter((name) => name !== figure)
  const head = ['', figure, 'min–max', 'ratio', 'min–max', 'goal', 'met', ...others]
  const body = rows.map((row) => {
    const values = valuesOf(row, figure)
    const ratio = ratioOf(result, row)
    return [
      row.name,
      rounded(median(values)),
      `${rounded(Math.min(...values))}–${rounded(Math.max(...values))}`,
      ratio === undefined ? '' : times(ratio.median),
      ratio === undefined ? '' : `${times(ratio.least)}–${times(ratio.most)}`,
      row.goal === undefined ? '' : `≤ ${row.goal}`,
      ratio === undefined || row.goal === undefined ? '' : ratio.median <= row.goal ? 'yes' : '**no**',
      ...others.map((name) => other(row, name))
    ]
  })
  return markdown([head, ...body]) + checksTable(result)
}

/** A ratio with two decimals, or four when it is small. */
function times (ratio: number): string {
  return ratio < 0.1 ? ratio.toFixed(4) : ratio.toFixed(2)
}

/** Any other figure. Says so when the load, not the server, was the bottleneck. */
function other (row: Row, name: string): string {
  const value = median(valuesOf(row, name))
  const isLoadBound = name === loadShare && value > 95 && median(valuesOf(row, serverShare)) < 95
  return rounded(value) + (isLoadBound ? ' (the load is the bottleneck)' : '')
}

function checksTable ({ checks }: Result): string {
  if (checks.length === 0) return ''
  const body = checks.map((check) => {
    const { name, value, atMost, atLeast } = check
    const goal = atMost === undefined ? `≥ ${rounded(atLeast ?? NaN)}` : `≤ ${rounded(atMost)}`
    return [name, rounded(value), goal, holds(check) ? 'yes' : '**no**']
  })
  return '\n\n' + markdown([['', 'measured', 'goal', 'met'], ...body])
}

/** Rows of cells as a Markdown table. The first row is its head. */
export function markdown ([head = [], ...body]: string[][]): string {
  return [head, ['---', ...head.slice(1).map(() => '---:')], ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
