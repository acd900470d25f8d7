import { svg } from '../lib/svg.ts'
import { duration } from '../lib/time.ts'
import { type Layout, narrow, wide, withRefund } from './pipeline-layout.ts'
import { type Step, type StepState, stepsOf } from './steps.ts'

/**
 * The way of an order as a drawing, across or down as there is room. It is for the eye only:
 * whoever shows it says the same in words.
 */
export function createPipeline(host: HTMLElement): { show: (steps: Step[]) => void } {
  const room = matchMedia('(max-width: 44rem)')
  let steps = stepsOf([])
  const redraw = () => {
    const layout = room.matches ? narrow : wide
    host.replaceChildren(drawingOf(hasRefund(steps) ? withRefund(layout) : layout))
    light(host, steps)
  }
  room.addEventListener('change', redraw)
  redraw()
  return {
    show(next) {
      const isSameDrawing = hasRefund(next) === hasRefund(steps)
      steps = next
      if (isSameDrawing) light(host, steps)
      else redraw()
    },
  }
}

const hasRefund = (steps: Step[]): boolean => steps.length > wide.stations.length

function drawingOf({ width, height, lanes, ways, stations }: Layout): SVGElement {
  return svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: width > height ? 'across' : 'down',
      'aria-hidden': 'true',
    },
    ...lanes.map(({ name, kind, textX, textY, upright, ...box }) => {
      const turn = upright ? { transform: `rotate(-90 ${textX} ${textY})` } : {}
      const title = svg('text', { x: textX, y: textY, ...turn }, name)
      return svg('g', { class: `lane ${kind}` }, svg('rect', { ...box, rx: 14 }), title)
    }),
    ...ways.map((d) =>
      svg(
        'g',
        { class: 'way' },
        svg('path', { d, class: 'bed' }),
        svg('path', { d, class: 'rail', pathLength: 1 }),
      ),
    ),
    ...stations.map(({ x, y, textX, textY, anchor, byX = x, byAnchor = anchor }) =>
      svg(
        'g',
        { class: 'station' },
        svg('circle', { cx: x, cy: y, r: 16, class: 'halo' }),
        svg('circle', { cx: x, cy: y, r: 13, class: 'disc' }),
        svg('path', { d: `M${x - 5} ${y}l3.5 4 6.5 -8`, class: 'tick' }),
        svg('path', { d: `M${x - 4.5} ${y - 4.5}l9 9m0 -9l-9 9`, class: 'cross' }),
        svg('text', { x: textX, y: textY, 'text-anchor': anchor, class: 'name' }),
        svg('text', { x: textX, y: textY + 18, 'text-anchor': anchor, class: 'took' }),
        svg('text', { x: byX, y: y - 24, 'text-anchor': byAnchor, class: 'by' }),
      ),
    ),
  )
}

function light(host: HTMLElement, steps: Step[]): void {
  const ways = host.querySelectorAll('.way')
  for (const [index, station] of host.querySelectorAll('.station').entries()) {
    const { state = 'todo', label = '', by = '', tookMs } = steps[index] ?? {}
    station.setAttribute('data-state', state)
    ways[index - 1]?.setAttribute('data-state', state)
    put(station, '.name', label)
    put(station, '.by', by)
    put(station, '.took', tookText(state, index, tookMs))
  }
}

function tookText(state: StepState, index: number, tookMs: number | undefined): string {
  if (tookMs !== undefined) return `+${duration(tookMs)}`
  if (state === 'unknown') return 'not recorded'
  return index === 0 && state === 'done' ? 'start' : ''
}

function put(parent: Element, selector: string, text: string): void {
  const place = parent.querySelector(selector)
  if (place) place.textContent = text
}
