import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { type Listening, listen } from '../notifications/listener.ts'
import { notify } from '../notifications/notify.ts'
import { NotificationProbe } from '../notifications/probe.ts'

const channel = 'outbox'

/**
 * Returns a function that notifies the relays of new events. Call it after the commit: PostgreSQL
 * commits transactions with a NOTIFY one at a time, so a NOTIFY in each business transaction would
 * make them queue. (orders-consumer does send one in its transaction, to orders-api: it must not be
 * lost with the process, and a batch of up to 200 orders has one.)
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
      await notify(db, channel, ['']).catch((error) =>
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

/** The relay's side: remembers a notification that came while the relay did not wait. */
export class RelayNotification extends EventTarget {
  /** Sent with each poll of the relay: it costs no statement of its own. */
  readonly probe = new NotificationProbe()
  #isNotified = false

  notify(): void {
    this.#isNotified = true
    this.dispatchEvent(new Event('notification'))
  }

  /**
   * Waits until a notification comes, or has come since the last call, or the time is over, or the
   * signal is aborted. Returns whether a notification came.
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
 * Listens for the notifications of `createRelayNotifier`. A new connection counts as one:
 * notifications may have been missed before it.
 */
export function listenForRelayNotifications(
  session: Pick<Listening<unknown>, 'name' | 'url' | 'logger' | 'observer'>,
) {
  const relayNotification = new RelayNotification()
  const { probe } = relayNotification
  const onNotify = () => relayNotification.notify()
  const listener = listen({ ...session, probe, channel, onNotify, onListen: onNotify })
  return Object.assign(relayNotification, { close: listener.close })
}
