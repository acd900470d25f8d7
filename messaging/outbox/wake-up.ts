import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '#chassis/database/connect.ts'
import { type Listening, listen } from '#chassis/database/listener.ts'
import { NotificationProbe } from '#chassis/database/notification-probe.ts'
import { notify } from '#chassis/database/notify.ts'
import type { Logger } from '#chassis/logger.ts'

const channel = 'outbox'

/**
 * Tells the relays that there is something to publish. Call it after the commit: a NOTIFY inside
 * the business transactions would make their commits queue behind one another.
 *
 * The first call is told at once; those within `coalesceMs` after it become one NOTIFY, so that a
 * relay under load finds many events at a time. A failure is only logged: the relay polls anyway.
 */
export function relayWaker<Tables>(db: Database<Tables>, logger: Logger, coalesceMs = 25) {
  let isWanted = false
  let isRinging = false
  const ring = async () => {
    while (isWanted) {
      isWanted = false
      await notify(db, channel, ['']).catch((error) => logger.debug({ err: error }, 'no wake-up'))
      await delay(coalesceMs)
    }
    isRinging = false
  }
  return () => {
    isWanted = true
    if (isRinging) return
    isRinging = true
    void ring()
  }
}

/** The relay's side: a doorbell that remembers having rung while nobody listened. */
export class WakeUp extends EventTarget {
  /** Sent with each look of the relay: it costs no statement of its own. */
  readonly probe = new NotificationProbe()
  #rung = false

  ring(): void {
    this.#rung = true
    this.dispatchEvent(new Event('ring'))
  }

  /**
   * Until it rings, or has rung since the last call, or the time is over, or we are told to stop.
   * Says whether it rang.
   */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#rung) {
      const either = AbortSignal.any([signal, AbortSignal.timeout(ms)])
      await once(this, 'ring', { signal: either }).catch(() => {})
    }
    const hasRung = this.#rung
    this.#rung = false
    return hasRung
  }
}

/** Rings for every NOTIFY of `relayWaker`. After a (re)connect it rings too: one may have been missed. */
export function hearWakeUps(session: Pick<Listening<unknown>, 'name' | 'url' | 'logger'>) {
  const wakeUp = new WakeUp()
  const { probe } = wakeUp
  const ring = () => wakeUp.ring()
  const listener = listen({ ...session, probe, channel, onNotify: ring, onListen: ring })
  return Object.assign(wakeUp, { close: listener.close })
}
