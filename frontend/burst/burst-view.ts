import { find, setText } from '../lib/elements.ts'
import { formatAmount } from '../lib/money.ts'
import { duration } from '../lib/time.ts'
import type { Counts, Takings } from './burst-tally.ts'
import { drawHistogram, quantile } from './histogram.ts'

const quantiles = [
  ['burst-p50', 0.5],
  ['burst-p95', 0.95],
  ['burst-max', 1],
] as const

export function showCounts({ sent, placed, paid, refused, durations }: Counts): void {
  find('burst-result', HTMLElement).hidden = false
  if (durations.length === 0) clear()
  const progress = find('burst-progress', HTMLProgressElement)
  progress.max = Math.max(1, sent)
  progress.value = durations.length
  setText('burst-label', `${durations.length} of ${sent} final, ${placed} placed`)
  setText('burst-paid', String(paid))
  setText('burst-refused', String(refused))
  for (const [id, part] of quantiles) {
    const ms = quantile(durations, part)
    setText(id, ms === undefined ? '–' : duration(ms))
  }
  if (durations.length === 0) return
  const host = find('histogram', HTMLElement)
  const { title, drawing } = drawHistogram(durations, Math.max(240, host.clientWidth))
  setText('histogram-title', title)
  host.replaceChildren(drawing)
}

/** Nothing of the burst before. */
function clear(): void {
  find('histogram', HTMLElement).replaceChildren()
  setText('histogram-title', '')
  setText('burst-check', '')
}

/** The running comparison of the databases, for a burst of orders of this amount. */
export function showCheck(counts: Counts, amount: string, { taken, twice }: Takings): void {
  const { paid, due, isDone } = counts
  const place = find('burst-check', HTMLElement)
  const isSame = due === taken && twice === 0
  place.dataset.tone = isSame ? 'good' : isDone || twice > 0 ? 'bad' : 'pending'
  const verdict = isSame ? 'Exact.' : isDone ? 'They disagree!' : 'Some are on their way.'
  const doubled = twice > 0 ? ` ${twice} were taken twice!` : ''
  place.textContent =
    `Orders paid × amount: ${paid} × ${formatAmount(amount)} = ${formatAmount(due)}. ` +
    `Money taken: ${formatAmount(taken)}. ${verdict}${doubled}`
}
