import { randomUUID } from 'node:crypto'
import type { Database } from '#chassis/database/connect.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { notify } from './notify.ts'

/** How long a notification, or the answer to a statement, may take. */
export const answerTimeoutMs = 1_500

/**
 * Finds out whether a session receives notifications: by some on a channel that nobody else listens
 * on.
 *
 * They are sent over another connection. A pooler in transaction mode passes on what arrives while
 * a statement of the session runs, and drops everything else: a session that notified itself would
 * hear it.
 */
export class NotificationProbe {
  readonly channel = `probe_${randomUUID()}`
  #sent = 0
  #received = 0
  #isProved = false
  #isAbandoned = false
  #onChange = () => {}

  /** The payload of the next notification, for whoever sends it now. */
  next(): string {
    return String(++this.#sent)
  }

  /** The last one was not sent, which proves nothing. */
  withdraw(): void {
    this.#received = this.#sent
  }

  /** Another session listens: what was sent before it did so proves nothing. */
  restart(): void {
    this.withdraw()
    this.#isProved = false
    this.#isAbandoned = false
  }

  /** To be called with the payload of each notification on the channel. */
  receive(payload: string): void {
    this.#received = Math.max(this.#received, Number(payload))
    this.#isProved = true
    this.#onChange()
  }

  /** Nothing will arrive any more, and nobody is to blame: the connection has ended. */
  abandon(): void {
    this.#isAbandoned = true
    this.#onChange()
  }

  /**
   * Whether notifications were sent since the last call, and all have arrived; waits for those that
   * are on their way. Rejects when one does not come in time.
   */
  async hasProved(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onChange = () => {
      if (this.#isAbandoned || this.#received >= this.#sent) resolve()
    }
    this.#onChange()
    await withTimeout(answerTimeoutMs, 'NOTIFY', promise).catch(() => {
      throw new Error(
        'LISTEN succeeds and notifications do not arrive: a pooler or proxy between this process and PostgreSQL drops them. Connect directly, or through a pooler in session mode.',
      )
    })
    const isProved = this.#isProved && !this.#isAbandoned
    this.#isProved = false
    return isProved
  }
}

/** Sends the next notification. Never rejects: what cannot be sent in time proves nothing. */
export async function sendProbe<Tables>(
  db: Database<Tables>,
  probe: NotificationProbe,
): Promise<void> {
  const sending = notify(db, probe.channel, [probe.next()])
  await withTimeout(answerTimeoutMs, 'NOTIFY', sending).catch(() => probe.withdraw())
}
