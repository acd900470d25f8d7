/**
 * The element with this id, which the page promises to hold.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} type
 */
export function find(id, type) {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} #${id}`)
  return element
}
