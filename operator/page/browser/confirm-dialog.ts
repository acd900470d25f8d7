import { find, setText } from '#frontend/lib/elements.ts'
import { CallFailure } from './api.ts'
import { element, type Tone } from './element.ts'
import { say, sayFailure } from './note.ts'

/** What would be done, or was. */
export interface Outcome {
  text: string
  tone: Tone
  /** A line for each thing. */
  list: string[]
}

export interface Proposal extends Outcome {
  /** The text of the button that does it; undefined if nothing can be done. */
  act: string | undefined
  /** What may be done besides, if the box is ticked. */
  more?: string | undefined
}

interface Asking {
  title: string
  /** Looks what would be done. */
  propose: (withMore: boolean) => Promise<Proposal>
  /** Does what was proposed last. */
  act: (withMore: boolean) => Promise<Outcome>
  /** It was done, or nobody knows. */
  onDone: () => void
}

const unanswered =
  'Nobody knows whether it was done: read again before you repeat it. A redriven event has no second effect.'

let asking: Asking | undefined

const box = () => find('confirm-more-box', HTMLInputElement)
const button = () => find('confirm-do', HTMLButtonElement)

/** Shows what would be done, and does it when the operator says so. */
export function ask(about: Asking): void {
  asking = about
  setText('confirm-title', about.title)
  box().checked = false
  find('confirm-more', HTMLElement).hidden = true
  find('confirm', HTMLDialogElement).showModal()
  void propose()
}

async function propose(): Promise<void> {
  const about = asking
  if (!about) return
  show({ text: 'Looking what would be done …', tone: 'plain', list: [] })
  try {
    const { act, more, ...outcome } = await about.propose(box().checked)
    if (asking !== about) return
    show(outcome, act)
    if (more === undefined) return
    find('confirm-more', HTMLElement).hidden = false
    setText('confirm-more-text', more)
  } catch (error) {
    sayFailure('confirm-note', error)
  }
}

async function act(): Promise<void> {
  const about = asking
  if (!about) return
  show({ text: 'At work …', tone: 'plain', list: [] })
  find('confirm-more', HTMLElement).hidden = true
  try {
    show(await about.act(box().checked))
  } catch (error) {
    sayFailure('confirm-note', error)
    const isUnknown = error instanceof CallFailure && error.status === undefined
    if (isUnknown) say('confirm-note', `${error.message} ${unanswered}`)
  }
  about.onDone()
}

const maxListed = 20

/** Without a button, there is only to close. */
function show({ text, tone, list }: Outcome, doText?: string): void {
  say('confirm-note', text, tone)
  const left = list.length - maxListed
  const lines = [...list.slice(0, maxListed), ...(left > 0 ? [`and ${left} more`] : [])]
  find('confirm-list', HTMLElement).replaceChildren(...lines.map((line) => element('li', {}, line)))
  button().hidden = doText === undefined
  button().textContent = doText ?? ''
  setText('confirm-close', doText === undefined ? 'Close' : 'Cancel')
}

export function startConfirmDialog(): void {
  const dialog = find('confirm', HTMLDialogElement)
  button().addEventListener('click', () => void act())
  box().addEventListener('change', () => void propose())
  find('confirm-close', HTMLButtonElement).addEventListener('click', () => dialog.close())
  dialog.addEventListener('close', () => {
    asking = undefined
  })
}
