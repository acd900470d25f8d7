import { until } from '#local/waiting.ts'
import { type Cell, underLoad, untilFinal } from '../cell.ts'
import { type Field, sendSignal } from '../field.ts'
import { megabytesOf } from '../memory.ts'
import { owedEverywhere } from '../quiesce.ts'

/**
 * X10: who publishes is blocked, who consumes is not, and what waits, waits in the outbox. Nothing bad is
 * sent: it would wait in its queue, since a dead letter has to be published. What a full queue refuses is
 * told in chassis/outbox/relay.integration.test.ts.
 */
export const alarmCell: Cell = {
  name: 'x10',
  title: 'memory alarm: acknowledging goes on, relays stay small, publishing resumes',
  count: 2,
  run: underLoad(
    async (field, { count, progress }) => {
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        progress(`alarm ${round} of ${count}`)
        faults.push(...(await alarm(field)))
      }
      return faults
    },
    { injects: false },
  ),
}

async function alarm({ system }: Field): Promise<string[]> {
  const consumers = ['payments-consumer', 'payments-consumer.2'].map(system.pidOf)
  for (const pid of consumers) sendSignal(pid, 'SIGSTOP')
  const waiting = async () => (await owedEverywhere(system))['queue payments-consumer'] ?? 0
  await until(async () => (await waiting()) > 20, { timeoutMs: 15_000 })

  await system.broker.setAlarm(true)
  const relays = ['orders-relay', 'payments-relay'].map(system.pidOf)
  const before = relays.map(megabytesOf)
  for (const pid of consumers) sendSignal(pid, 'SIGCONT')
  const isEmpty = await until(async () => (await waiting()) === 0, { timeoutMs: 20_000 })
  const grown = relays.map((pid, index) => megabytesOf(pid) - (before[index] ?? 0))
  await system.broker.setAlarm(false)

  const isOver = await untilFinal(system, Date.now(), 20_000)
  return [
    ...(isEmpty ? [] : ['the queue was not emptied while publishers were blocked']),
    ...grown.filter((megabytes) => !(megabytes <= 40)).map((n) => `a relay grew by ${n} MB`),
    ...(isOver ? [] : ['orders are pending 20 s after the alarm']),
  ]
}
