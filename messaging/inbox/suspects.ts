import type { Database } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import { consumeBatch, decode, type Inbox, settlingOf } from './batch.ts'
import type { Ending, IncomingEvent } from './handle.ts'
import type { Pending } from './pending.ts'
import { countStart, readAttempts, takeStartBack, type WithInbox } from './rows.ts'
import { type Aftermath, type Settled, settle } from './settle.ts'
import {
  type Attempts,
  deliveredBefore,
  isKiller,
  nextOf,
  precedenceMs,
  type Waiting,
} from './suspicion.ts'
import { whenAvailable } from './when-available.ts'

interface Suspect extends Waiting {
  delivery: Delivery
  /** Undefined for a message that is no event; it is parked without being tried. */
  eventId: string | undefined
}

/**
 * Handles messages one by one that were in trouble: delivered before to a consumer that is gone, or
 * failed by themselves. A start is counted before each, so that a message which kills its consumer
 * is told from its neighbours, lets them go first, and is parked after its third death. A start that
 * only met a database that is away, or a lock, is taken back: whatever ends the process meanwhile, it is not
 * the message.
 */
export async function handleSuspects<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  arrivals: Pending<Delivery>,
  aftermath: Aftermath,
): Promise<void> {
  const { signal } = aftermath
  const { db } = settlingOf(inbox)
  let waiting: Suspect[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  const takeArrivals = async () => {
    const deliveries = arrivals.takeAll()
    if (deliveries.length === 0) return
    const read = () => withAttempts(inbox, db, deliveries)
    const suspects = await whenAvailable(read, aftermath.held, signal)
    if (suspects) waiting.push(...suspects)
    else for (const delivery of deliveries) delivery.requeue()
  }
  while (!signal.aborted) {
    await takeArrivals()
    waiting = waiting.filter(({ delivery }) => !delivery.isLost())
    const next = nextOf(waiting, performance.now(), lastMs)
    if (next) {
      waiting.splice(waiting.indexOf(next), 1)
      await handleSuspect(inbox, next, aftermath)
      lastMs = performance.now()
    } else if (waiting.length > 0) await pause(precedenceMs, signal)
    else await arrivals.untilAny(signal)
  }
  for (const { delivery } of waiting) delivery.requeue()
}

async function handleSuspect<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  { delivery, eventId, attempts }: Suspect,
  aftermath: Aftermath,
): Promise<void> {
  if (eventId === undefined) return consumeBatch(inbox, [delivery], aftermath)
  const settling = settlingOf(inbox)
  if (isKiller(attempts)) return settle(settling, delivery, killer(eventId, attempts), aftermath)
  const { db } = settling
  const takeBack = () => takeStartBack(db, eventId, attempts).catch(() => {}) // else it was one more, as at a death
  const counted: typeof inbox.counted = async (handling) => {
    await countStart(db, eventId, attempts)
    try {
      const endings = await handling()
      if (isWaiting(endings.get(eventId))) await takeBack()
      return endings
    } catch (error) {
      await takeBack()
      throw error
    }
  }
  await consumeBatch({ ...inbox, triedBefore: true, counted }, [delivery], aftermath)
}

/** Whether it only met a lock that somebody else holds. */
const isWaiting = (ending: Ending | undefined): boolean =>
  ending?.kind === 'retry' && isCode(ending.error, 'locked')

const killer = (eventId: string, { started }: Attempts): Settled => ({
  kind: 'park',
  reason: 'kills-its-consumer',
  error: `its handling was begun ${started} times, and its consumer died each time`,
  tried: { eventId, attempts: started },
})

async function withAttempts<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  db: Database<WithInbox>,
  deliveries: Delivery[],
): Promise<Suspect[]> {
  const suspects = deliveries.map((delivery) => {
    const decoded = decode(inbox, delivery)
    return { delivery, eventId: decoded.kind === 'event' ? decoded.event.id : undefined }
  })
  const known = await readAttempts(
    db,
    suspects.flatMap(({ eventId }) => eventId ?? []),
  )
  const sinceMs = performance.now()
  return suspects.map(({ delivery, eventId }) => {
    const attempts = eventId === undefined ? undefined : known.get(eventId)
    return { delivery, eventId, attempts: attempts ?? deliveredBefore, sinceMs }
  })
}
