import { find } from './find.js'

/** @typedef {{ id: string, amount: string, text: string, tone: string, at: string, about: string }} Row */

/**
 * Keeps the rows that stay, so that only what changed is drawn again.
 * @template T
 * @param {string} id of the list
 * @param {T[]} items
 * @param {(item: T) => Row} toRow
 */
export function showRows(id, items, toRow) {
  const list = find(id, HTMLOListElement)
  const known = new Map(Array.from(list.children, (child) => [child.id, child]))
  list.replaceChildren(
    ...items.map(toRow).map((row) => fill(known.get(`${id}-${row.id}`) ?? blankRow(), id, row)),
  )
  find(`${id}-empty`, HTMLElement).hidden = items.length > 0
}

function blankRow() {
  const row = find('row', HTMLTemplateElement).content.firstElementChild?.cloneNode(true)
  if (!(row instanceof Element)) throw new Error('The page has no template of a row')
  return row
}

/** @param {Element} element @param {string} list @param {Row} row */
function fill(element, list, { id, amount, text, tone, at, about }) {
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
  put('time', new Date(at).toLocaleTimeString())
  put('.about', about === '' ? '' : ` · ${about}`)
  return element
}
