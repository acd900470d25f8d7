/** The element with this id, which the page promises to hold. */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} #${id}`)
  return element
}

/** Sets the text of the element with this id, and touches nothing when it says so already. */
export function setText(id: string, text: string): void {
  const element = find(id, HTMLElement)
  if (element.textContent !== text) element.textContent = text
}
