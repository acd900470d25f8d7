/** The positive number of a command-line option. Throws an Error that says what is valid. */
export function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`--${name} takes a number above 0; got ${JSON.stringify(text)}`)
}

/** The whole number of a command-line option, from `min`. */
export function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new Error(`--${name} takes a whole number from ${min}; got ${JSON.stringify(text)}`)
}
