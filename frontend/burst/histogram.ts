import { svg } from '../lib/svg.ts'
import { duration } from '../lib/time.ts'

const columns = 24
const height = 150
const axis = 22
/** Of the axis: as many columns as let each of them end at one. */
const quarters = 4

/** The time within which such a part of all was done, of times in ascending order. */
export const quantile = (sorted: number[], part: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)]

/**
 * How many took how long: columns of one round width, so many at most, from nothing to the slowest.
 */
export function histogramOf(
  sortedMs: number[],
  mostColumns: number,
): { widthMs: number; counts: number[] } {
  const slowest = sortedMs.at(-1) ?? 0
  const widthMs = roundUp((slowest + 1) / mostColumns)
  const counts = new Array<number>(Math.max(1, Math.ceil((slowest + 1) / widthMs))).fill(0)
  for (const ms of sortedMs) {
    const column = Math.floor(ms / widthMs)
    counts[column] = (counts[column] ?? 0) + 1
  }
  return { widthMs, counts }
}

/** To 1, 2 or 5 with zeros. */
function roundUp(value: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)))
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= value) ?? 10 * power
}

/** The histogram as a drawing of this width, and the title that it needs. */
export function drawHistogram(
  sortedMs: number[],
  width: number,
): { title: string; drawing: SVGElement } {
  const { widthMs, counts } = histogramOf(sortedMs, columns)
  const most = Math.max(...counts)
  const shown = Math.ceil(counts.length / quarters) * quarters
  const step = width / shown
  const bars = counts.map((count, index) => {
    const tall = ((height - axis - 8) * count) / most
    const box = { x: index * step + 1.5, y: height - axis - tall, height: tall, rx: 3 }
    return svg('rect', { ...box, width: Math.max(1, step - 3), class: 'bar-of' })
  })
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle'
    const place = { x: part * width, y: height - 4, 'text-anchor': anchor }
    return svg('text', place, duration(part * shown * widthMs))
  })
  const ground = svg('path', { d: `M0 ${height - axis}H${width}`, class: 'ground' })
  const frame = {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-labelledby': 'histogram-title',
  }
  return {
    title: `Orders by the time to their final status, a column for ${duration(widthMs)}`,
    drawing: svg('svg', frame, ...bars, ground, ...marks),
  }
}
