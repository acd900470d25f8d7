import { find } from '#frontend/lib/elements.ts'
import { CallFailure } from './api.ts'
import type { Tone } from './element.ts'

/** Says a sentence in the place of this id; none clears it. */
export function say(id: string, text: string, tone: Tone = 'bad'): void {
  const place = find(id, HTMLElement)
  place.dataset.tone = tone
  if (place.textContent !== text) place.textContent = text
}

/** Says why a call failed. What is no failure of a call is a fault of the page. */
export function sayFailure(id: string, error: unknown): void {
  if (error instanceof CallFailure) say(id, error.message)
  else {
    say(id, 'Something went wrong on this page. Reload it and try again.')
    reportError(error)
  }
}

/** Makes a click start the work, once at a time, and says why it failed. */
export function onClick(buttonId: string, noteId: string, work: () => void | Promise<void>): void {
  const button = find(buttonId, HTMLButtonElement)
  button.addEventListener('click', () => {
    if (button.ariaBusy === 'true') return
    button.ariaBusy = 'true'
    void Promise.try(work)
      .catch((error: unknown) => sayFailure(noteId, error))
      .finally(() => {
        button.ariaBusy = 'false'
      })
  })
}
