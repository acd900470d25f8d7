import { find } from '#frontend/lib/elements.ts'
import type { Stuck, StuckOrder } from '../../stuck/stuck.ts'
import { run } from './api.ts'
import { badge, element, link } from './element.ts'
import { say } from './note.ts'
import { showTrace } from './trace-dialog.ts'

/** Reads the oldest stuck orders and shows each with its stage and what to do. */
export async function showStuck(): Promise<void> {
  const { result } = await run<Stuck>('stuck')
  const { orders, total, uncounted } = result
  const more = total > orders.length ? `The oldest ${orders.length} of ${total}.` : ''
  const none = 'No order is pending for too long.'
  if (uncounted !== null) {
    say('stuck-note', `Not all dead letters could be read, and none is named here: ${uncounted}`)
  } else if (total === 0) say('stuck-note', none, 'good')
  else say('stuck-note', more, 'plain')
  find('stuck', HTMLElement).replaceChildren(...orders.map(stuckRow))
}

const stuckRow = ({ order_id, user_id, stage, message, advice }: StuckOrder): HTMLElement =>
  element(
    'li',
    {},
    element(
      'p',
      { class: 'line' },
      link(order_id, () => void showTrace(order_id)),
      badge(stage, 'bad'),
    ),
    element('p', {}, message),
    element('p', { class: 'about' }, `Of ${user_id}. ${advice}`),
  )
