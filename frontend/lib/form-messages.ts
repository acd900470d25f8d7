import { ApiProblem, CallError } from '#client/client.ts'
import { SignInError } from './sign-in-error.ts'

type Tone = 'plain' | 'good' | 'bad'

export function showPlain(form: HTMLFormElement, text: string): void {
  show(form, 'plain', [text])
}

export function showSuccess(form: HTMLFormElement, text: string): void {
  show(form, 'good', [text])
}

export function showFailure(form: HTMLFormElement, text: string): void {
  show(form, 'bad', [text])
}

/** What went wrong, and what to do about it. */
export function showError(form: HTMLFormElement, error: unknown): void {
  show(form, 'bad', sentencesOf(error))
  const isKnown = error instanceof CallError || error instanceof SignInError
  if (!isKnown) reportError(error)
  else if (error.isTemporary) offerRetry(form)
}

export function showFieldError(form: HTMLFormElement, text: string): void {
  show(form, 'bad', [text])
  const input = form.querySelector('input')
  input?.setAttribute('aria-invalid', 'true')
  input?.focus()
}

export function clearMessage(form: HTMLFormElement): void {
  show(form, 'plain', [])
  form.querySelector('input')?.removeAttribute('aria-invalid')
}

function offerRetry(form: HTMLFormElement): void {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'link'
  button.textContent = 'Try again'
  button.addEventListener('click', () => form.requestSubmit())
  form.querySelector('.note')?.append(' ', button)
}

function sentencesOf(error: unknown): string[] {
  if (error instanceof SignInError) return [error.message]
  if (!(error instanceof CallError)) {
    return ['Something went wrong on this page. Reload it and try again.']
  }
  const { status } = error
  const { title, detail, errors = [], instance } = problemOf(error)
  const reference = instance === undefined ? '' : `Reference: ${instance}`
  if (status === undefined) return ['No connection. What you typed is kept, and counts only once.']
  if (status === 429) return ['Too many requests. Wait a moment, then try again.']
  if (status === 503 || status === 504) {
    return ['The service does not answer. What you typed is kept, and counts only once.', reference]
  }
  if (status >= 500) return ['The service failed. Try again, or pass on the reference.', reference]
  const faults = errors.map(({ pointer, message }) => `${pointer.slice(1)} ${message}.`)
  return faults.length > 0 ? [`${title}:`, ...faults] : [detail ?? title ?? error.message]
}

const problemOf = (error: CallError): Partial<ApiProblem['problem']> =>
  error instanceof ApiProblem ? error.problem : {}

function show(form: HTMLFormElement, tone: Tone, sentences: string[]): void {
  const place = form.querySelector('.note')
  if (!(place instanceof HTMLElement)) return
  place.dataset.tone = tone
  place.textContent = sentences.filter((sentence) => sentence !== '').join(' ')
}
