import {
  BigValueColorMode,
  BigValueGraphMode,
  FieldColorModeId,
  LegendDisplayMode,
  MappingType,
  type Panel,
  type RowPanel,
  SortOrder,
  ThresholdsMode,
  TooltipDisplayMode,
} from '@grafana/schema'
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen'
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen'

/** A query, and the name of its series in the legend. */
export type Query = readonly [expr: string, legend: string]

export interface Sized {
  panel: Panel
  width: number
  height: number
}

const datasource = { type: 'prometheus', uid: 'prometheus' }
const steps = (...pairs: [from: number | null, color: string][]) => ({
  mode: ThresholdsMode.Absolute,
  steps: pairs.map(([value, color]) => ({ value, color })),
})

const targetsOf = (queries: readonly Query[], isInstant: boolean) =>
  queries.map(([expr, legendFormat], index) => ({
    ...{ refId: String.fromCharCode(65 + index), datasource, expr, legendFormat },
    ...{ instant: isInstant, range: !isInstant },
  }))

/** The series of an alert expression as 0 (fine), 1 (an alert is pending) or 2 (it fires). */
export const alertLevel = (alerts: string, present: string): string =>
  `max(ALERTS{${alerts}, alertstate="firing"} * 2 or ALERTS{${alerts}, alertstate="pending"}) or 0 * max(up{${present}})`

/** A tile that is green, orange or red as a whole, and grey without data. */
export function light(title: string, description: string, expr: string): Sized {
  const text = (value: number, words: string, color: string, index: number) => ({
    type: MappingType.ValueToText as const,
    options: { [value]: { text: words, color, index } },
  })
  return stat(title, description, [expr, ''], {
    thresholds: steps([null, 'green'], [1, 'orange'], [2, 'red']),
    mappings: [
      text(0, 'moves', 'green', 0),
      text(1, 'late', 'orange', 1),
      text(2, 'STUCK', 'red', 2),
    ],
    noValue: 'nobody says',
  })
}

/** A number that turns orange and red where it grows. */
export const number = (
  title: string,
  query: Query,
  unit: string,
  limits?: [orange: number, red: number],
): Sized =>
  stat(title, '', query, {
    unit,
    thresholds: steps(
      [null, limits ? 'green' : 'blue'],
      ...(limits
        ? ([[limits[0], 'orange'] as const, [limits[1], 'red'] as const] as [number, string][])
        : []),
    ),
  })

type FieldDefaults = NonNullable<Panel['fieldConfig']>['defaults']

function stat(title: string, description: string, query: Query, defaults: FieldDefaults): Sized {
  const panel: Panel = {
    type: 'stat',
    ...{ title, description, datasource },
    targets: targetsOf([query], true),
    fieldConfig: { defaults, overrides: [] },
    options: {
      colorMode: BigValueColorMode.Background,
      graphMode: BigValueGraphMode.None,
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    } satisfies Partial<StatOptions>,
  }
  return { panel, width: 3, height: 3 }
}

/** Lines over time. */
export function lines(title: string, unit: string, queries: readonly Query[]): Sized {
  const panel: Panel = {
    type: 'timeseries',
    ...{ title, datasource },
    targets: targetsOf(queries, false),
    fieldConfig: {
      defaults: { unit, min: 0, color: { mode: FieldColorModeId.PaletteClassic } },
      overrides: [],
    },
    options: {
      legend: {
        ...{ showLegend: true, displayMode: LegendDisplayMode.List, placement: 'bottom' },
        calcs: [],
      },
      tooltip: { mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending },
    } satisfies TimeSeriesOptions,
  }
  return { panel, width: 8, height: 7 }
}

/** Rows with a heading, each filled from the left. */
export function arrange(rows: Record<string, Sized[]>): (Panel | RowPanel)[] {
  const arranged: (Panel | RowPanel)[] = []
  let y = 0
  let id = 0
  for (const [title, sized] of Object.entries(rows)) {
    const gridPos = { x: 0, y: y++, w: 24, h: 1 }
    arranged.push({ type: 'row', id: ++id, title, gridPos, collapsed: false, panels: [] })
    let x = 0
    for (const { panel, width, height } of sized) {
      arranged.push({ ...panel, id: ++id, gridPos: { x, y, w: width, h: height } })
      x = (x + width) % 24
      if (x === 0) y += height
    }
    if (x !== 0) y += sized.at(-1)?.height ?? 0
  }
  return arranged
}
