import { useEffect, useRef } from 'preact/hooks'
import Plot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { shownS } from './live.js'

const heightPx = 150

export interface Line {
  readonly name: string
  /** The name of a CSS variable. */
  readonly colour: string
  readonly values: ReadonlyArray<number | null>
  /** As it stands beside the name. */
  readonly now: string
}

interface ChartProps {
  readonly title: string
  /** In s since the epoch, ascending. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  /** Values of a moment are stacked bars. */
  readonly isStacked?: boolean
  readonly unit?: string
}

const dark = matchMedia('(prefers-color-scheme: dark)')

/** The last two minutes of some values. */
export function Chart ({ title, times, lines, isStacked = false, unit = '' }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot>(undefined)
  const names = lines.map(({ name, colour }) => `${name} ${colour}`).join()

  useEffect(() => {
    const element = place.current as HTMLDivElement
    const made = plot.current = new Plot(optionsOf(element, lines, isStacked, unit), dataOf(times, lines, isStacked), element)
    const resizing = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }))
    resizing.observe(element)
    const redraw = (): void => made.redraw()
    dark.addEventListener('change', redraw)
    return () => {
      resizing.disconnect()
      dark.removeEventListener('change', redraw)
      made.destroy()
    }
  }, [names])
  useEffect(() => plot.current?.setData(dataOf(times, lines, isStacked)), [times.at(-1), lines])

  return (
    <section class='card chart'>
      <header>
        <h3>{title}</h3>
        <ul class='legend'>
          {lines.map(({ name, colour, now }) => (
            <li key={name}><i style={{ background: `var(${colour})` }} />{name} <b>{now}</b></li>
          ))}
        </ul>
      </header>
      <div class='plot' ref={place} role='img' aria-label={`${title}, the last two minutes`} />
    </section>
  )
}

function dataOf (times: readonly number[], lines: readonly Line[], isStacked: boolean): Plot.AlignedData {
  const values = lines.map((line) => [...line.values])
  // Each bar is drawn over those that it stands on: the whole first.
  if (isStacked) {
    for (let at = values.length - 2; at >= 0; at--) {
      const above = values[at + 1] as Array<number | null>
      values[at] = (values[at] as Array<number | null>).map((value, moment) => (value ?? 0) + (above[moment] ?? 0))
    }
  }
  return [[...times], ...values]
}

function optionsOf (element: HTMLElement, lines: readonly Line[], isStacked: boolean, unit: string): Plot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => () => style.getPropertyValue(name)
  const axis = { stroke: colour('--muted'), font: '11px system-ui, sans-serif', ticks: { show: false } }
  const bars = Plot.paths.bars?.({ size: [0.7, 8] })
  const grid = { stroke: colour('--line'), width: 1 }
  return {
    width: element.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_plot, _min, max) => [max - shownS, max + (isStacked ? 1 : 0)] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] }
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 60,
        grid: { show: false },
        values: (_plot, times) => times.map((time) => new Date(time * 1000).toLocaleTimeString('en', {
          hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'
        }))
      },
      {
        ...axis,
        size: 48,
        space: 34,
        grid,
        values: (_plot, values) => values.map((value) => `${value >= 10_000 ? `${value / 1000} k` : value}${unit}`)
      }
    ],
    series: [{}, ...lines.map((line, at): Plot.Series => ({
      label: line.name,
      stroke: colour(line.colour),
      width: isStacked ? 0 : 1.75,
      points: { show: false },
      ...(isStacked && { fill: colour(line.colour), ...(bars !== undefined && { paths: bars }) }),
      ...(!isStacked && at === 0 && { fill: () => `color-mix(in srgb, ${style.getPropertyValue(line.colour)} 12%, transparent)` })
    }))]
  }
}
