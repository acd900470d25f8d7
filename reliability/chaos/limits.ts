import type { Measured } from './journal.ts'

/** What came nearest to its limit, of all that was measured under one name. */
interface Limited extends Measured {
  times: number
}

/** One entry for each name, in the order in which they were measured first. */
export function limitsOf(measures: readonly Measured[]): Limited[] {
  const names = Map.groupBy(measures, ({ what }) => what)
  return [...names.values()].flatMap((all) => {
    const [first] = all
    if (!first) return []
    const values = all.map(({ value }) => value)
    const value = first.isLeast ? Math.min(...values) : Math.max(...values)
    return [{ ...first, value, times: all.length }]
  })
}

/** `20.0 s`, `40 MB`, `9,600 orders` */
export const sayMeasure = (value: number, unit: Measured['unit']): string =>
  unit === 'ms'
    ? `${(Math.round(value / 100) / 10).toFixed(1)} s`
    : `${value.toLocaleString('en')} ${unit}`
