type Attributes = Record<string, string | boolean>

/**
 * An element with its attributes and what is in it. Texts are texts: what a message says is never
 * read as HTML.
 */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(key, value === true ? '' : value)
  }
  made.append(...children)
  return made
}

export type Tone = 'plain' | 'pending' | 'good' | 'bad'

export const badge = (text: string, tone: Tone): HTMLElement =>
  element('span', { class: 'badge', 'data-tone': tone }, text)

/** A button that looks like a link. */
export function link(text: string, onClick: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'link' }, text)
  button.addEventListener('click', onClick)
  return button
}

/** A definition list of texts. */
export const facts = (all: Record<string, unknown>): HTMLElement =>
  element(
    'dl',
    { class: 'facts' },
    ...Object.entries(all).map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, wordsOf(value))),
    ),
  )

const wordsOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
