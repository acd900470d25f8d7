import { find, setText } from '#frontend/lib/elements.ts'
import { pause } from '#frontend/lib/time.ts'
import { CallFailure } from './api.ts'
import { startConfirmDialog } from './confirm-dialog.ts'
import { showLetters, startLetters } from './letters-view.ts'
import { onClick, say, sayFailure } from './note.ts'
import { startReconcile } from './reconcile-view.ts'
import { askForToken, openDesk, startSignIn } from './session.ts'
import { showStatus } from './status-view.ts'
import { showStuck } from './stuck-view.ts'
import { startTraceDialog } from './trace-dialog.ts'

/** The status is read by itself; the dead letters are not: a look at them keeps others waiting. */
const statusEveryMs = 10_000

let desk = new AbortController()

async function enter(): Promise<void> {
  await openDesk()
  desk.abort()
  desk = new AbortController()
  void keepStatus(desk.signal)
  for (const [show, note] of [
    [showStuck, 'stuck-note'],
    [showLetters, 'letters-note'],
  ] as const) {
    say(note, 'Reading …', 'plain')
    await show().catch((error: unknown) => sayFailure(note, error))
  }
}

async function keepStatus(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (!document.hidden) await readStatus()
    await pause(statusEveryMs, signal)
  }
}

async function readStatus(): Promise<void> {
  try {
    await showStatus()
    trouble('')
  } catch (error) {
    if (error instanceof CallFailure && error.status === 401) leave(error.message)
    else
      trouble(
        `${(error as Error).message}. What you see may be old, and is read again every ten seconds.`,
      )
  }
}

function trouble(text: string): void {
  find('trouble', HTMLElement).hidden = text === ''
  setText('trouble-text', text)
}

function leave(why: string): void {
  desk.abort()
  askForToken(why)
}

async function open(): Promise<void> {
  try {
    await enter()
    trouble('')
  } catch (error) {
    if (error instanceof CallFailure && error.status === 401) leave('')
    else trouble((error as Error).message)
  }
}

startSignIn(enter)
startLetters()
startReconcile()
startConfirmDialog()
startTraceDialog()
onClick('stuck-read', 'stuck-note', showStuck)
onClick('letters-read', 'letters-note', showLetters)
find('trouble-retry', HTMLButtonElement).addEventListener('click', () => {
  void (find('desk', HTMLElement).hidden ? open() : readStatus())
})
void open()
