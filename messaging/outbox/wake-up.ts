import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { type Listening, listen } from '#messaging/notifications/listener.ts'
import { notify as sendNotification } from '#messaging/notifications/notify.ts'
import { NotificationProbe } from '#messaging/notifications/probe.ts'

const channel = 'outbox'

/**
 * Returns a function that notifies the relays of new events. Call it after the commit: a NOTIFY
 * inside the business transactions would make their commits queue behind one another.
 *
 * The first call notifies at once; the calls within `coalesceMs` after it become one NOTIFY, so
 * that a relay under load finds many events at a time. A failure is only logged: the relay polls
 * anyway.
 */
export function createRelayNotifier<Tables>(
  db: Database<Tables>,
  logger?: Pick<Logger, 'debug'>,
  coalesceMs = 25,
) {
  let isWanted = false
  let isNotifying = false
  const notifyWhileWanted = async () => {
    while (isWanted) {
      isWanted = false
      await sendNotification(db, channel, ['']).catch((error) =>
        logger?.debug({ err: error }, 'the relay could not be notified'),
      )
      await delay(coalesceMs)
    }
    isNotifying = false
  }
  return (): void => {
    isWanted = true
    if (isNotifying) return
    isNotifying = true
    void notifyWhileWanted()
  }
}

/** The relay's side: remembers a notification that came while nobody waited. */
export class WakeUp extends EventTarget {
  /** Sent with each look of the relay: it costs no statement of its own. */
  readonly probe = new NotificationProbe()
  #isNotified = false

  notify(): void {
    this.#isNotified = true
    this.dispatchEvent(new Event('notification'))
  }

  /**
   * Until a notification comes, or has come since the last call, or the time is over, or the signal
   * is aborted. Returns whether a notification came.
   */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isNotified) {
      const either = AbortSignal.any([signal, AbortSignal.timeout(ms)])
      await once(this, 'notification', { signal: either }).catch(() => {})
    }
    const wasNotified = this.#isNotified
    this.#isNotified = false
    return wasNotified
  }
}

/**
 * Hears the notifications of `createRelayNotifier`. A new connection counts as one: some may have
 * been missed before it.
 */
export function listenForNewEvents(session: Pick<Listening<unknown>, 'name' | 'url' | 'logger'>) {
  const wakeUp = new WakeUp()
  const { probe } = wakeUp
  const notify = () => wakeUp.notify()
  const listener = listen({ ...session, probe, channel, onNotify: notify, onListen: notify })
  return Object.assign(wakeUp, { close: listener.close })
}
