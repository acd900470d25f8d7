/** Text that is HTML already. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** `false` and `undefined` are nothing. */
type Part = Html | string | number | false | undefined | Part[]

/** HTML with every value in it escaped, unless it is HTML itself. */
export const html = (strings: TemplateStringsArray, ...values: Part[]): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(textOf)))

function textOf(value: Part): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(textOf).join('')
  return String(value).replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
