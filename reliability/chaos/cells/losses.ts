import amqp from 'amqplib'
import { queues } from '#contracts/topology.ts'
import { until } from '#local/supervisor/waiting.ts'
import { type Cell, faultAfterFault } from '../cell.ts'
import { type Field, freeze, sendSignal } from '../field.ts'
import { inject } from '../inject.ts'
import { shown } from '../recovery.ts'
import { pendingBefore } from '../rows.ts'
import type { Fault } from '../schedule.ts'

/** Messages of either queue, its readers away: so many at least are lost each time. */
const waitingAtLeast = 40

const requests = queues.paymentsConsumer.queue
const replies = queues.ordersConsumer.queue

/**
 * X6: what the broker has confirmed is gone, and nothing but the payment request retry brings it
 * back.
 */
export const lossCell: Cell = {
  name: 'x6',
  title:
    'broker wiped, queues deleted and purged with orders in them, and unbound; requested again',
  count: 1,
  paymentRequestTimeoutMs: 30_000,
  run: async (system, run) => {
    const losses = faultAfterFault(lossesOf, { withinMs: 60_000, how: lose, shows: [shown.loss] })
    const outcome = await losses(system, run)
    const { requestedAgain } = outcome.verdict
    const expected = run.count * lossesPerRound * waitingAtLeast
    const what = 'orders lost on the way, and requested again'
    const measured = { what, value: requestedAgain, limit: expected, unit: 'orders' } as const
    outcome.journal.measure({ ...measured, isLeast: true })
    if (requestedAgain >= expected) return outcome
    const tooFew = `only ${requestedAgain} orders were lost on the way, of ${expected} that were to be`
    return { ...outcome, faults: [tooFew, ...outcome.faults] }
  },
}

const lossesPerRound = 3

/** The queues in turn. What is unbound loses nothing: the relay is told, and keeps it. */
const lossesOf = (count: number): Fault[] =>
  Array.from({ length: count }, (_, index): Fault[] => {
    const queue = index % 2 === 0 ? requests : replies
    return [
      { kind: 'wipe broker' },
      { kind: 'delete queue', queue },
      { kind: 'purge queue', queue },
      { kind: 'unbind queue', queue },
    ]
  }).flat()

async function lose(fault: Fault, field: Field): Promise<void> {
  if (fault.kind !== 'unbind queue') {
    await letOrdersWait('queue' in fault ? fault.queue : requests, field)
  }
  await inject(fault, field)
}

/**
 * Returns in the moment in which orders lie in the queue and its next readers are not there yet.
 */
async function letOrdersWait(queue: string, field: Field): Promise<void> {
  const { system, journal } = field
  const readers = system.processes.filter((name) => name.startsWith(queue))
  const late = () => pendingBefore(system.databases.orders, Date.now() - 1_000)
  // What was unbound before may still be: then orders wait with their relay, and not in the queue.
  await until(async () => (await late()) === 0, { timeoutMs: 60_000 })
  freeze(field, readers)
  const enough = async () => (await late()) >= waitingAtLeast
  if (!(await until(enough, { timeoutMs: 60_000 }))) throw new Error(`nothing waits in ${queue}`)
  const connection = await amqp.connect(system.broker.url)
  const channel = await connection.createChannel()
  for (const name of readers) {
    if (sendSignal(system.pidOf(name), 'SIGKILL')) journal.act('kill', name)
  }
  const isBack = async () => (await channel.checkQueue(queue)).messageCount >= waitingAtLeast
  const isReady = await until(isBack, { timeoutMs: 5_000, everyMs: 5 })
  await connection.close()
  if (!isReady) throw new Error(`${queue} did not get back what its readers had in their hands`)
}
