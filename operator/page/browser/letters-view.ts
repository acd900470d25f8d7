import { find } from '#frontend/lib/elements.ts'
import { counted } from '../../cli/table.ts'
import type { Listed } from '../../dead-letters/dead-letters.ts'
import { run } from './api.ts'
import { element } from './element.ts'
import { letterRow } from './letter-row.ts'
import { moveLetters, type Scope } from './move-letters.ts'
import { onClick, say } from './note.ts'

const step = 100
let limit = step

/** Reads the dead letters, the oldest first, and shows each. */
export async function showLetters(): Promise<void> {
  const { result } = await run<Listed>('dlq-list', { options: { limit: String(limit) } })
  const { letters, total } = result
  if (total === 0) say('letters-note', 'There is no dead letter.', 'good')
  else say('letters-note', `${counted(total, 'dead letter')}.`, 'plain')
  const chosen = new Set(chosenIds())
  const rows = letters.map((letter) => {
    const box = element('input', { type: 'checkbox', value: letter.id })
    box.checked = chosen.has(letter.id)
    return letterRow(letter, box)
  })
  find('letters', HTMLElement).replaceChildren(...rows)
  find('letters-act', HTMLElement).hidden = total === 0
  offerScopes(new Set(letters.map(({ queue }) => queue)))
  const more = find('letters-more', HTMLButtonElement)
  more.hidden = letters.length === total
  more.textContent = `List ${Math.min(step, total - letters.length)} more of ${total}`
}

const chosenIds = (): string[] =>
  [...document.querySelectorAll<HTMLInputElement>('#letters input:checked')].map(
    ({ value }) => value,
  )

/** The chosen ones, or all of a queue. */
function offerScopes(queues: ReadonlySet<string>): void {
  const select = find('letters-scope', HTMLSelectElement)
  const { value } = select
  select.replaceChildren(
    element('option', { value: '' }, 'the chosen ones'),
    ...[...queues].map((queue) => element('option', { value: queue }, `all in ${queue}`)),
  )
  select.value = queues.has(value) ? value : ''
}

function scope(): Scope | undefined {
  const queue = find('letters-scope', HTMLSelectElement).value
  if (queue) return { queue }
  const ids = chosenIds()
  return ids.length > 0 ? { ids } : undefined
}

function move(kind: 'redrive' | 'discard'): void {
  const chosen = scope()
  if (chosen) moveLetters(kind, chosen, () => showLetters())
  else say('letters-note', 'Choose dead letters first, or all in a queue.')
}

export function startLetters(): void {
  onClick('redrive', 'letters-note', () => move('redrive'))
  onClick('discard', 'letters-note', () => move('discard'))
  onClick('letters-more', 'letters-note', () => {
    limit += step
    return showLetters()
  })
}
