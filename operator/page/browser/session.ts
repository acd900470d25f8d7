import type { PageSession } from '#contracts/operator-page.ts'
import { find, setText } from '#frontend/lib/elements.ts'
import { readSession, useToken } from './api.ts'
import { say, sayFailure } from './note.ts'

let session: PageSession | undefined

export const mayAct = (): boolean => session?.can_act === true

/** Who has signed in; the desk is shown to nobody else. */
export async function openDesk(): Promise<void> {
  session = await readSession()
  for (const id of ['mode', 'desk']) find(id, HTMLElement).hidden = false
  find('sign-in', HTMLElement).hidden = true
  find('who', HTMLElement).hidden = session.user_id === null
  setText('user', session.user_id ?? '')
  setText('mode', mayAct() ? 'May act' : 'Looks only')
  find('mode', HTMLElement).dataset.state = mayAct() ? 'acts' : 'live'
}

/** Nothing of the last operator stays. */
export function askForToken(why: string): void {
  useToken('')
  session = undefined
  for (const id of ['mode', 'desk', 'who']) find(id, HTMLElement).hidden = true
  for (const dialog of document.querySelectorAll('dialog')) dialog.close()
  find('sign-in', HTMLElement).hidden = false
  say('sign-in-note', why)
  find('token', HTMLInputElement).focus()
}

/** `enter` opens the desk with the token of the form. */
export function startSignIn(enter: () => Promise<void>): void {
  const input = find('token', HTMLInputElement)
  find('sign-in', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    useToken(input.value.trim())
    input.value = ''
    say('sign-in-note', '')
    enter().catch((error: unknown) => sayFailure('sign-in-note', error))
  })
  find('sign-out', HTMLButtonElement).addEventListener('click', () => askForToken(''))
}
