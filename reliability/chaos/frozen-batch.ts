import { routes } from '#contracts/topology.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { type Field, freeze } from './field.ts'
import type { Scene } from './run.ts'

/**
 * A message for payments-consumer that must become a dead letter, and how many orders go before it.
 */
export interface Bad {
  at: number
  /** What the journal calls it. */
  kind: string
  messageId: string
  content: string
}

export const neighbours = 20

/**
 * Orders, with a bad message among them, that payments-consumer, each of it, gets all at once: it
 * is frozen until they wait for it. Returns when it woke up.
 */
export async function wakeToBatch(
  field: Field,
  { clients, history }: Scene,
  bad: Bad | undefined,
): Promise<number> {
  const { system, journal } = field
  const consumers = system.processes.filter((name) => name.split('.')[0] === 'payments-consumer')
  const place = (count: number) =>
    Promise.all(Array.from({ length: count }, () => clients.placeOrder('user-5', 1n)))
  const goOn = freeze(field, consumers) // not for long, or the broker misses its heartbeats
  await place(bad?.at ?? 0)
  if (bad) {
    await pause(200) // those before it are relayed by now
    const { kind, messageId, content } = bad
    journal.act(kind, 'payments-consumer')
    await system.broker.publish({ ...routes.PaymentRequested, messageId, content })
    history.inject({ queue: 'payments-consumer', messageId })
  }
  await place(neighbours - (bad?.at ?? 0))
  await pause(200)
  const wokenAtMs = Date.now()
  goOn()
  return wokenAtMs
}
