import { find } from './find.js'
import { clockTime } from './time.js'

/** @typedef {{ id: string, amount: string, text: string, tone: string, at: string, about: string, isChosen?: boolean }} Row */

/**
 * Keeps the rows that stay, so that only what changed is drawn again, and the focus stays where it is.
 * @template T
 * @param {string} id of the list
 * @param {T[]} items
 * @param {(item: T) => Row} toRow
 */
export function showRows(id, items, toRow) {
  const list = find(id, HTMLOListElement)
  const known = new Map(Array.from(list.children, (child) => [child.id, child]))
  const rows = items.map(toRow).map((row) => {
    const element = known.get(`${id}-${row.id}`) ?? blankRow(id)
    fill(element, id, row)
    return element
  })
  const isSame =
    rows.length === list.children.length && rows.every((row, at) => row === list.children[at])
  if (!isSame) arrange(list, rows)
  find(`${id}-empty`, HTMLElement).hidden = items.length > 0
}

/** Moves nothing that is in its place already. @param {Element} list @param {Element[]} rows */
function arrange(list, rows) {
  const stay = new Set(rows)
  for (const child of [...list.children]) if (!stay.has(child)) child.remove()
  for (const [at, row] of rows.entries()) {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null)
  }
}

/** @param {string} id */
function blankRow(id) {
  const template = find(id === 'orders' ? 'order-row' : 'ledger-row', HTMLTemplateElement)
  const row = template.content.firstElementChild?.cloneNode(true)
  if (!(row instanceof Element)) throw new Error('The page has no template of a row')
  return row
}

/** @param {Element} element @param {string} list @param {Row} row */
function fill(element, list, { id, amount, text, tone, at, about, isChosen }) {
  element.id = `${list}-${id}`
  /** @param {string} selector @param {string} content */
  const put = (selector, content) => {
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
