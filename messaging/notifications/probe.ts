import { randomUUID } from 'node:crypto'
import type { Database } from '#chassis/database/connect.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { notify } from './notify.ts'

/** How long a notification, or the answer to a statement, may take. */
export const answerTimeoutMs = 1_500

/**
 * Finds out whether a session receives notifications. It sends NOTIFY on a private channel over
 * another connection, and the notification must arrive.
 *
 * Another connection, because a pooler in transaction mode passes on what arrives while a statement
 * of the session runs, and drops everything else: a session that notified itself would receive the
 * notification.
 */
export class NotificationProbe {
  readonly channel = `probe_${randomUUID()}`
  #sent = 0
  #sentAtMs = 0
  #received = 0
  #isProved = false
  #isAbandoned = false
  #onChange = () => {}

  /** The payload of the next notification; the caller sends it. */
  next(): string {
    this.#sentAtMs = performance.now()
    return String(++this.#sent)
  }

  /** The last notification was not sent: it is not waited for. */
  withdraw(): void {
    this.#received = this.#sent
  }

  /** Another session listens: notifications that were sent before are not waited for. */
  restart(): void {
    this.withdraw()
    this.#isProved = false
    this.#isAbandoned = false
  }

  /**
   * To be called with the payload of each notification on the channel. Returns how long the last
   * one took; undefined for an earlier one.
   */
  receive(payload: string): number | undefined {
    this.#received = Math.max(this.#received, Number(payload))
    this.#isProved = true
    this.#onChange()
    return payload === String(this.#sent) ? performance.now() - this.#sentAtMs : undefined
  }

  /** The connection has ended: nothing is waited for, and nothing is proved. */
  abandon(): void {
    this.#isAbandoned = true
    this.#onChange()
  }

  /**
   * Whether a notification has arrived since the last call. Waits until all that were sent have
   * arrived, and rejects when one does not arrive in time.
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

/**
 * Sends the next notification. Never rejects: a notification that cannot be sent in time proves
 * nothing.
 */
export async function sendProbe<Tables>(
  db: Database<Tables>,
  probe: NotificationProbe,
): Promise<void> {
  const sending = notify(db, probe.channel, [probe.next()])
  await withTimeout(answerTimeoutMs, 'NOTIFY', sending).catch(() => probe.withdraw())
}
