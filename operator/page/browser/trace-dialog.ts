import { find, setText } from '#frontend/lib/elements.ts'
import type { Step } from '../../trace/steps.ts'
import type { Trace } from '../../trace/trace.ts'
import { run } from './api.ts'
import { badge, element } from './element.ts'
import { say, sayFailure } from './note.ts'

const dialog = () => find('trace', HTMLDialogElement)

/** Opens a dialog with the way of an order, hop by hop. */
export async function showTrace(orderId: string): Promise<void> {
  setText('trace-title', `Order ${orderId}`)
  say('trace-note', 'Reading …', 'plain')
  find('trace-steps', HTMLElement).replaceChildren()
  dialog().showModal()
  try {
    const { result, error } = await run<Trace>('trace', { arguments: [orderId] })
    show(result, error)
  } catch (failure) {
    sayFailure('trace-note', failure)
  }
}

function show({ status, steps, expired, missing, dead_letters }: Trace, error: string | null) {
  const gone = [
    ...expired.map((what) => `Expired: ${what}.`),
    ...missing.map((what) => `Not found: ${what}.`),
  ]
  const letters = (dead_letters ?? []).map(
    ({ reason, queue }) => `A dead letter: ${reason}, ${queue}.`,
  )
  const words = [status ?? 'Unknown to Orders.', error, ...gone, ...letters]
    .filter(Boolean)
    .join(' ')
  say('trace-note', words, gone.length + letters.length > 0 || error ? 'bad' : 'plain')
  find('trace-steps', HTMLElement).replaceChildren(...steps.map(stepRow))
}

const stepRow = ({ stage, at, note, attempts, queue }: Step): HTMLElement =>
  element(
    'li',
    {},
    element(
      'p',
      { class: 'line' },
      element('strong', {}, stage),
      badge(
        at === null ? 'not yet' : new Date(at).toLocaleString(),
        at === null ? 'pending' : 'plain',
      ),
    ),
    element(
      'p',
      { class: 'about' },
      [queue, (attempts ?? 0) > 1 && `${attempts} attempts`, note].filter(Boolean).join(' · '),
    ),
  )

export function startTraceDialog(): void {
  find('trace-close', HTMLButtonElement).addEventListener('click', () => dialog().close())
}
