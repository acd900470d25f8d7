import { find } from '#frontend/lib/elements.ts'
import { counted } from '../../cli/table.ts'
import type { Finding } from '../../reconcile/findings.ts'
import type { Repaired } from '../../reconcile/repair.ts'
import { run } from './api.ts'
import { ask, type Outcome } from './confirm-dialog.ts'
import { badge, element, link } from './element.ts'
import { onClick, say, sayFailure } from './note.ts'
import { mayAct } from './session.ts'
import { showTrace } from './trace-dialog.ts'

interface Result {
  findings: Finding[]
  repaired?: Repaired
}

const olderThan = () => ({ 'older-than': find('older-than', HTMLInputElement).value.trim() })

async function compare(): Promise<void> {
  say('reconcile-note', 'Comparing …', 'plain')
  find('repair', HTMLElement).hidden = true
  find('findings', HTMLElement).replaceChildren()
  show((await run<Result>('reconcile', { options: olderThan() })).result)
}

function show({ findings }: Result): void {
  if (findings.length === 0) say('reconcile-note', 'The databases agree.', 'good')
  else say('reconcile-note', `${counted(findings.length, 'finding')}.`)
  find('repair', HTMLElement).hidden = findings.length === 0 || !mayAct()
  find('findings', HTMLElement).replaceChildren(...findings.slice(0, maxShown).map(findingRow))
}

/** A browser that lays out a hundred thousand rows stands still. */
const maxShown = 500

function findingRow({ kind, message, order_id, queue, user_id }: Finding): HTMLElement {
  const subject = order_id
    ? link(order_id, () => void showTrace(order_id))
    : element('strong', {}, queue ?? user_id ?? '')
  return element(
    'li',
    {},
    element('p', { class: 'line' }, subject, badge(kind, 'bad')),
    element('p', {}, message),
  )
}

const whatRepairDoes =
  'Repeats what is safe to repeat: the payment, or the refund, of stuck orders is requested again, and delayed events are published at once. Money, statuses and the ledger stay as they are; the other findings are for people to decide (docs/runbook.md).'

function askToRepair(): void {
  ask({
    title: 'Repair',
    propose: async () => ({ text: whatRepairDoes, tone: 'plain', list: [], act: 'Repair' }),
    act: async () => {
      const { result } = await run<Result>('reconcile', {
        options: { ...olderThan(), repair: true },
      })
      show(result)
      return outcomeOf(result.repaired)
    },
    onDone: () => {},
  })
}

function outcomeOf(repaired: Repaired | undefined): Outcome {
  const { requested_again = [], rescheduled = [], error } = repaired ?? {}
  const done = `The payment or refund of ${counted(requested_again.length, 'order')} was requested again, ${counted(rescheduled.length, 'delayed event')} will be published at once. Compare again.`
  return error === undefined
    ? { text: done, tone: 'good', list: [] }
    : { text: `${done} Not all: ${error}`, tone: 'bad', list: [] }
}

export function startReconcile(): void {
  const form = find('reconcile-form', HTMLFormElement)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (form.ariaBusy === 'true') return
    form.ariaBusy = 'true'
    compare()
      .catch((error: unknown) => sayFailure('reconcile-note', error))
      .finally(() => {
        form.ariaBusy = 'false'
      })
  })
  onClick('repair', 'reconcile-note', askToRepair)
}
