import { histogramOf, quantile } from './burst.js'
import { find } from './find.js'
import { formatAmount } from './money.js'
import { svg } from './svg.js'
import { duration } from './time.js'

/** @typedef {{ sent: number, placed: number, paid: number, refused: number, due: string, durations: number[], isDone: boolean }} Counts */
/** @typedef {{ taken: string, twice: number }} Takings */

const columns = 24
const height = 150
const axis = 22
/** Of the axis: as many columns as let each of them end at one. */
const quarters = 4

/** @param {Counts} counts */
export function showCounts({ sent, placed, paid, refused, durations }) {
  find('burst-result', HTMLElement).hidden = false
  if (durations.length === 0) clear()
  const progress = find('burst-progress', HTMLProgressElement)
  progress.max = Math.max(1, sent)
  progress.value = durations.length
  put('burst-label', `${durations.length} of ${sent} final, ${placed} placed`)
  put('burst-paid', String(paid))
  put('burst-refused', String(refused))
  for (const [id, part] of /** @type {const} */ ([
    ['burst-p50', 0.5],
    ['burst-p95', 0.95],
    ['burst-max', 1],
  ])) {
    const ms = quantile(durations, part)
    put(id, ms === undefined ? '–' : duration(ms))
  }
  if (durations.length > 0) find('histogram', HTMLElement).replaceChildren(draw(durations))
}

/** Nothing of the burst before. */
function clear() {
  find('histogram', HTMLElement).replaceChildren()
  put('histogram-title', '')
  put('burst-check', '')
}

/** The running check of the books. @param {Counts} counts @param {string} amount @param {Takings} takings */
export function showCheck({ paid, due, isDone }, amount, { taken, twice }) {
  const place = find('burst-check', HTMLElement)
  const isSame = due === taken && twice === 0
  place.dataset.tone = isSame ? 'good' : isDone || twice > 0 ? 'bad' : 'pending'
  const verdict = isSame ? 'Exact.' : isDone ? 'They disagree!' : 'Some are on their way.'
  const doubled = twice > 0 ? ` ${twice} were taken twice!` : ''
  place.textContent =
    `Orders paid × amount: ${paid} × ${formatAmount(amount)} = ${formatAmount(due)}. ` +
    `Money taken: ${formatAmount(taken)}. ${verdict}${doubled}`
}

/** @param {number[]} durations */
function draw(durations) {
  const { widthMs, counts } = histogramOf(durations, columns)
  const most = Math.max(...counts)
  const width = Math.max(240, find('histogram', HTMLElement).clientWidth)
  const shown = Math.ceil(counts.length / quarters) * quarters
  const step = width / shown
  const bars = counts.map((count, index) => {
    const tall = ((height - axis - 8) * count) / most
    const box = { x: index * step + 1.5, y: height - axis - tall, height: tall, rx: 3 }
    return svg('rect', { ...box, width: Math.max(1, step - 3), class: 'bar-of' })
  })
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    svg(
      'text',
      {
        ...{ x: part * width, y: height - 4 },
        'text-anchor': part === 0 ? 'start' : part === 1 ? 'end' : 'middle',
      },
      duration(part * shown * widthMs),
    ),
  )
  const ground = svg('path', { d: `M0 ${height - axis}H${width}`, class: 'ground' })
  put(
    'histogram-title',
    `Orders by the time to their final status, a column for ${duration(widthMs)}`,
  )
  const frame = {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-labelledby': 'histogram-title',
  }
  return svg('svg', frame, ...bars, ground, ...marks)
}

/** @param {string} id @param {string} text */
function put(id, text) {
  const place = find(id, HTMLElement)
  if (place.textContent !== text) place.textContent = text
}
