import { find } from '../lib/elements.ts'
import { clockTime } from '../lib/time.ts'

export interface Row {
  id: string
  amount: string
  text: string
  tone: string
  at: string
  about: string
  isChosen?: boolean
}

/**
 * Keeps the rows that stay, so that only what changed is drawn again, and the focus stays where it
 * is.
 */
export function showRows(listId: 'orders' | 'ledger', rows: Row[]): void {
  const list = find(listId, HTMLOListElement)
  const known = new Map(Array.from(list.children, (child) => [child.id, child]))
  const elements = rows.map((row) => {
    const element = known.get(`${listId}-${row.id}`) ?? blankRow(listId)
    fill(element, listId, row)
    return element
  })
  arrange(list, elements)
  find(`${listId}-empty`, HTMLElement).hidden = rows.length > 0
}

/** Moves nothing that is in its place already. */
function arrange(list: Element, rows: Element[]): void {
  const stay = new Set(rows)
  for (const child of [...list.children]) if (!stay.has(child)) child.remove()
  for (const [at, row] of rows.entries()) {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null)
  }
}

function blankRow(listId: 'orders' | 'ledger'): Element {
  const template = find(listId === 'orders' ? 'order-row' : 'ledger-row', HTMLTemplateElement)
  const row = template.content.firstElementChild?.cloneNode(true)
  if (!(row instanceof Element)) throw new Error('The page has no template of a row')
  return row
}

function fill(
  element: Element,
  listId: string,
  { id, amount, text, tone, at, about, isChosen }: Row,
) {
  element.id = `${listId}-${id}`
  const put = (selector: string, content: string) => {
    const part = element.querySelector(selector)
    if (part !== null && part.textContent !== content) part.textContent = content
  }
  put('.amount', amount)
  put('.badge', text)
  element.querySelector('.badge')?.setAttribute('data-tone', tone)
  element.querySelector('time')?.setAttribute('datetime', at)
  put('time', clockTime(at))
  put('.about', about === '' ? '' : ` · ${about}`)
  element.querySelector('button')?.setAttribute('aria-pressed', String(isChosen === true))
}
