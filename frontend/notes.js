/** @import { ProblemDocument } from './api.js' */
import { Problem } from './api.js'

/** @param {HTMLFormElement} form @param {string} text */
export function showSuccess(form, text) {
  note(form, 'good', [text])
}

/** @param {HTMLFormElement} form @param {string} text */
export function showFailure(form, text) {
  note(form, 'bad', [text])
}

/** What went wrong, and what to do about it. @param {HTMLFormElement} form @param {unknown} error */
export function showError(form, error) {
  if (error instanceof Problem) {
    note(form, 'bad', explain(error.document))
    if (error.isPassing) offerRetry(form)
    return
  }
  reportError(error)
  note(form, 'bad', ['Something went wrong on this page. Reload it and try again.'])
}

/** @param {HTMLFormElement} form @param {string} text */
export function showFieldError(form, text) {
  note(form, 'bad', [text])
  const input = form.querySelector('input')
  input?.setAttribute('aria-invalid', 'true')
  input?.focus()
}

/** @param {HTMLFormElement} form */
export function clearNote(form) {
  note(form, 'plain', [])
  form.querySelector('input')?.removeAttribute('aria-invalid')
}

/** @param {HTMLFormElement} form */
function offerRetry(form) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'link'
  button.textContent = 'Try again'
  button.addEventListener('click', () => form.requestSubmit())
  form.querySelector('.note')?.append(' ', button)
}

/** @param {ProblemDocument} problem */
function explain({ status, title, detail, errors = [], instance }) {
  const reference = instance === undefined ? '' : `Reference: ${instance}`
  if (status === 0) return ['No connection. What you typed is kept, and counts only once.']
  if (status === 429) return ['Too many requests. Wait a moment, then try again.']
  if (status === 503 || status === 504) {
    return ['The service does not answer. What you typed is kept, and counts only once.', reference]
  }
  if (status >= 500) return ['The service failed. Try again, or pass on the reference.', reference]
  const faults = errors.map(({ pointer, message }) => `${pointer.slice(1)} ${message}.`)
  return faults.length > 0 ? [`${title}:`, ...faults] : [detail ?? title]
}

/** @param {HTMLFormElement} form @param {string} tone @param {string[]} sentences */
function note(form, tone, sentences) {
  const place = form.querySelector('.note')
  if (!(place instanceof HTMLElement)) return
  place.dataset.tone = tone
  place.textContent = sentences.filter((sentence) => sentence !== '').join(' ')
}
