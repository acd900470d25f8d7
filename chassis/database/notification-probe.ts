import { randomUUID } from 'node:crypto'
import { within } from '../deadline.ts'
import type { Database } from './connect.ts'
import { notify } from './notify.ts'

/** How long a notification, or the answer to a statement, may take. */
export const answerTimeoutMs = 1_500

/**
 * Finds out whether a session receives notifications: sends one on a channel that nobody else listens on.
 *
 * It is sent over another connection. A pooler in transaction mode passes on what arrives while a
 * statement of the session runs, and drops everything else: a session that notified itself would hear it.
 */
export class NotificationProbe<Tables> {
  readonly channel = `probe_${randomUUID()}`
  readonly #db: Database<Tables>
  #sent = 0
  #received = 0
  #isAbandoned = false
  #onChange = () => {}

  constructor(db: Database<Tables>) {
    this.#db = db
  }

  /** To be called with the payload of each notification on the channel. */
  receive(payload: string): void {
    this.#received = Math.max(this.#received, Number(payload))
    this.#onChange()
  }

  /** Sends the next notification. False when it could not be sent in time, which proves nothing. */
  async send(): Promise<boolean> {
    const payload = String(++this.#sent)
    const sending = notify(this.#db, this.channel, [payload])
    return within(answerTimeoutMs, 'NOTIFY', sending).then(
      () => true,
      () => false,
    )
  }

  /** Nothing will arrive any more, and nobody is to blame: the connection has ended. */
  abandon(): void {
    this.#isAbandoned = true
    this.#onChange()
  }

  /** Whether the last notification has arrived; false when abandoned. Rejects when it is not there in time. */
  async arrival(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#onChange = () => {
      if (this.#isAbandoned) resolve(false)
      else if (this.#received >= this.#sent) resolve(true)
    }
    this.#onChange()
    return within(answerTimeoutMs, 'NOTIFY', promise).catch(() => {
      throw new Error(
        'LISTEN succeeds and notifications do not arrive: a pooler or proxy between this process and PostgreSQL drops them. Connect directly, or through a pooler in session mode.',
      )
    })
  }
}
