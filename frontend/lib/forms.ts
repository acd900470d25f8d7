import { clearMessage, showError } from './form-messages.ts'

/**
 * Runs a form: one submission at a time, errors shown beside the field. What was typed stays. A
 * chip fills in its amount.
 */
export function onSubmit(form: HTMLFormElement, act: (typed: string) => Promise<void>): void {
  const input = form.querySelector('input')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (form.ariaBusy === 'true') return
    form.ariaBusy = 'true'
    clearMessage(form)
    act(input?.value ?? '')
      .catch((error) => showError(form, error))
      .finally(() => {
        form.ariaBusy = 'false'
      })
  })
  form.querySelector('.chips')?.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement) || !input) return
    input.value = target.value
    input.focus()
  })
}
