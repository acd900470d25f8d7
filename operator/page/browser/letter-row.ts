import { shortened, span } from '../../cli/table.ts'
import type { DeadLetterDetails } from '../../dead-letters/dead-letters.ts'
import type { DeadLetterSummary } from '../../dead-letters/summary.ts'
import { run } from './api.ts'
import { badge, element, facts, link } from './element.ts'
import { showTrace } from './trace-dialog.ts'

/** A longer body is shown in part: a browser that lays out megabytes stands still. */
const maxShown = 65_536

/** A dead letter with a box to choose it, and its content when that is asked for. */
export function letterRow(letter: DeadLetterSummary, box: HTMLInputElement): HTMLElement {
  const { id, type, reason, last_error, order_id } = letter
  const content = element('div', { class: 'content', hidden: true })
  const show = link('Show', () => void toggle(id, content, show))
  show.setAttribute('aria-expanded', 'false')
  const ways = order_id ? [show, link('Trace its order', () => void showTrace(order_id))] : [show]
  return element(
    'li',
    { class: 'letter' },
    element('label', {}, box, element('span', { class: 'unseen' }, `Choose ${id}`)),
    element(
      'div',
      {},
      element(
        'p',
        { class: 'line' },
        element('strong', {}, type ?? 'no type'),
        badge(reason, 'bad'),
      ),
      element('p', {}, shortened(last_error, 300) ?? 'no error recorded'),
      element('p', { class: 'about' }, about(letter)),
      element('p', { class: 'id' }, id),
      element('p', { class: 'ways' }, ...ways),
      content,
    ),
  )
}

const about = ({ queue, age_ms, attempts, bytes }: DeadLetterSummary): string =>
  [
    queue,
    age_ms !== null && `dead for ${span(age_ms)}`,
    attempts !== null && `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    `${bytes} bytes`,
  ]
    .filter(Boolean)
    .join(' · ')

async function toggle(id: string, content: HTMLElement, button: HTMLElement): Promise<void> {
  const isOpen = content.hidden
  content.hidden = !isOpen
  button.textContent = isOpen ? 'Hide' : 'Show'
  button.setAttribute('aria-expanded', String(isOpen))
  if (!isOpen) return
  content.replaceChildren('Reading …')
  try {
    const { result } = await run<{ letters: DeadLetterDetails[] }>('dlq-show', { arguments: [id] })
    content.replaceChildren(...result.letters.map(detailsOf))
    if (result.letters.length === 0) content.replaceChildren(gone)
  } catch (error) {
    content.replaceChildren((error as Error).message)
  }
}

const gone = 'It is gone meanwhile: somebody has redriven or discarded it.'

function detailsOf({ body, body_base64, headers, properties }: DeadLetterDetails): HTMLElement {
  const text = body ?? body_base64 ?? ''
  const part = text.length > maxShown ? `, the first ${maxShown} of ${text.length} characters` : ''
  const title = `${body === null ? 'Body, in base64' : 'Body'}${part}`
  return element(
    'div',
    {},
    element('h3', {}, title),
    element('pre', { tabindex: '0', role: 'group', 'aria-label': title }, text.slice(0, maxShown)),
    element('h3', {}, 'Headers'),
    facts(headers),
    element('h3', {}, 'Properties'),
    facts(properties),
  )
}
