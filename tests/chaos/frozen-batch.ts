import { routes } from '#contracts/topology.ts'
import { pause } from '#local/waiting.ts'
import { type Field, sendSignal } from './field.ts'
import type { Scene } from './run.ts'

/** A message for payments-consumer that must become a dead letter, and how many orders go before it. */
export interface Bad {
  at: number
  messageId: string
  content: string
}

export const neighbours = 20

/**
 * Orders, with a bad message among them, that payments-consumer, each of it, gets all at once: it
 * is frozen until they wait for it. Returns when it woke up.
 */
export async function wakeToBatch(
  { system }: Field,
  { clients, history }: Scene,
  bad: Bad | undefined,
): Promise<number> {
  const consumers = system.processes
    .filter((name) => name.split('.')[0] === 'payments-consumer')
    .map((name) => system.pidOf(name))
  const place = (count: number) =>
    Promise.all(Array.from({ length: count }, () => clients.placeOrder('user-5', 1n)))
  for (const pid of consumers) sendSignal(pid, 'SIGSTOP') // not for long, or the broker misses its heartbeats
  await place(bad?.at ?? 0)
  if (bad) {
    await pause(200) // those before it are relayed by now
    const { messageId, content } = bad
    await system.broker.publish({ ...routes.PaymentRequested, messageId, content })
    history.provoke({ queue: 'payments-consumer', messageId })
  }
  await place(neighbours - (bad?.at ?? 0))
  await pause(200)
  const wokenAtMs = Date.now()
  for (const pid of consumers) sendSignal(pid, 'SIGCONT')
  return wokenAtMs
}
